//! Averages and distributions. Everything is counted in whole stars and divided once, so that
//! what is shown is exactly what the reviews say.

use serde::Serialize;

use super::aspect::PerAspect;

/// Fewer reviews than this have no average: it would say more about one person than about
/// the hospital.
pub(crate) const FEWEST_FOR_AVERAGE: i64 = 5;

/// The reviews of one hospital that give the same number of stars in all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group {
    /// The stars of one of these reviews, its six aspects added: 6 to 30.
    pub(crate) total: i64,
    pub(crate) count: i64,
    /// The stars of all of these reviews.
    pub(crate) aspects: [i64; 6],
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Rating {
    pub(crate) review_count: i64,
    pub(crate) average: Option<f64>,
    pub(crate) aspects: PerAspect<Aspect>,
    pub(crate) distribution: Distribution,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Aspect {
    pub(crate) average: Option<f64>,
    pub(crate) count: i64,
}

/// How many reviews give so many stars, by their rounded mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Distribution {
    #[serde(rename = "1")]
    one: i64,
    #[serde(rename = "2")]
    two: i64,
    #[serde(rename = "3")]
    three: i64,
    #[serde(rename = "4")]
    four: i64,
    #[serde(rename = "5")]
    five: i64,
}

impl Rating {
    pub(crate) fn of(groups: &[Group]) -> Self {
        let review_count = groups.iter().map(|group| group.count).sum();
        let total = groups.iter().map(|group| group.total * group.count).sum();
        let mut stars = [0; 6];
        let mut distribution = Distribution::default();
        for group in groups {
            for (sum, more) in stars.iter_mut().zip(group.aspects) {
                *sum += more;
            }
            *distribution.stars_of(group.total) += group.count;
        }
        let aspect = |sum| Aspect { average: average(sum, review_count), count: review_count };
        Self {
            review_count,
            average: overall(total, review_count),
            aspects: stars.map(aspect).into(),
            distribution,
        }
    }
}

impl Distribution {
    fn stars_of(&mut self, total: i64) -> &mut i64 {
        match total {
            ..9 => &mut self.one,
            9..15 => &mut self.two,
            15..21 => &mut self.three,
            21..27 => &mut self.four,
            27.. => &mut self.five,
        }
    }
}

/// The mean over all aspects of `count` reviews whose stars add up to `total`.
pub(crate) fn overall(total: i64, count: i64) -> Option<f64> {
    (count >= FEWEST_FOR_AVERAGE).then(|| mean(total, count * 6))
}

fn average(sum: i64, count: i64) -> Option<f64> {
    (count >= FEWEST_FOR_AVERAGE).then(|| mean(sum, count))
}

/// To one decimal, halves up. `count` is not zero.
pub(crate) fn mean(sum: i64, count: i64) -> f64 {
    let tenths = (sum * 20 + count) / (count * 2);
    tenths as f64 / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(total: i64, count: i64) -> Group {
        Group { total, count, aspects: [total * count / 6; 6] }
    }

    #[test]
    fn five_reviews_have_an_average_and_four_do_not() {
        assert_eq!(Rating::of(&[group(24, 4)]).average, None);
        let rating = Rating::of(&[group(24, 4), group(30, 1)]);
        assert_eq!(rating.average, Some(4.2));
        assert_eq!(rating.aspects.cost, Aspect { average: Some(4.2), count: 5 });
    }

    #[test]
    fn a_review_counts_where_its_mean_rounds_to() {
        let totals =
            [(6, 1), (8, 1), (9, 2), (14, 2), (15, 3), (20, 3), (21, 4), (26, 4), (27, 5), (30, 5)];
        for (total, stars) in totals {
            let Distribution { one, two, three, four, five } =
                Rating::of(&[group(total, 7)]).distribution;
            let counts = [one, two, three, four, five];
            assert_eq!(counts.iter().position(|count| *count == 7), Some(stars - 1), "{total}");
            assert_eq!(counts.iter().sum::<i64>(), 7);
        }
    }

    #[test]
    fn means_round_halves_up() {
        assert_eq!(mean(17, 4), 4.3);
        assert_eq!(mean(13, 6), 2.2);
        assert_eq!(mean(14, 6), 2.3);
    }

    #[test]
    fn no_reviews_are_no_average_and_no_division() {
        let rating = Rating::of(&[]);
        assert_eq!((rating.review_count, rating.average), (0, None));
    }
}
