//! Averages and distributions. Everything is counted in whole stars and divided once, so that
//! what is shown is exactly what the reviews say.

use std::ops::{Add, Sub};

use serde::Serialize;

use super::aspect::PerAspect;

/// Fewer reviews than this have no average: it would say more about one person than about
/// the hospital.
pub(crate) const FEWEST_FOR_AVERAGE: i64 = 5;

/// The reviews of one hospital, added up; or the difference that a change of a review makes,
/// which may be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    /// The stars of all reviews for each aspect.
    pub(crate) aspects: [i64; 6],
    /// How many reviews give one to five stars, by their rounded mean.
    pub(crate) distribution: [i64; 5],
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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

impl Tally {
    /// One review, by its stars.
    pub(crate) fn of(stars: PerAspect<i64>) -> Self {
        let aspects = stars.into_array();
        let mut distribution = [0; 5];
        distribution[rounded(aspects.iter().sum())] = 1;
        Self { aspects, distribution }
    }

    pub(crate) fn count(&self) -> i64 {
        self.distribution.iter().sum()
    }

    /// The mean over all aspects.
    pub(crate) fn average(&self) -> Option<f64> {
        average(self.aspects.iter().sum(), self.count(), 6)
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self.aspects.iter_mut().zip(other.aspects).for_each(|(sum, more)| *sum += more);
        self.distribution.iter_mut().zip(other.distribution).for_each(|(sum, more)| *sum += more);
        self
    }
}

impl Sub for Tally {
    type Output = Self;

    fn sub(mut self, other: Self) -> Self {
        self.aspects.iter_mut().zip(other.aspects).for_each(|(sum, less)| *sum -= less);
        self.distribution.iter_mut().zip(other.distribution).for_each(|(sum, less)| *sum -= less);
        self
    }
}

impl From<Tally> for Rating {
    fn from(tally: Tally) -> Self {
        let count = tally.count();
        let [one, two, three, four, five] = tally.distribution;
        let aspect = |sum| Aspect { average: average(sum, count, 1), count };
        Self {
            review_count: count,
            average: tally.average(),
            aspects: tally.aspects.map(aspect).into(),
            distribution: Distribution { one, two, three, four, five },
        }
    }
}

/// The place in a distribution of a review whose six aspects add up to `total`, 6 to 30.
fn rounded(total: i64) -> usize {
    match total {
        ..9 => 0,
        9..15 => 1,
        15..21 => 2,
        21..27 => 3,
        27.. => 4,
    }
}

/// Of `count` reviews whose stars for so many aspects add up to `sum`.
fn average(sum: i64, count: i64, aspects: i64) -> Option<f64> {
    (count >= FEWEST_FOR_AVERAGE).then(|| mean(sum, count * aspects))
}

/// To one decimal, halves up. `count` is not zero.
pub(crate) fn mean(sum: i64, count: i64) -> f64 {
    let tenths = (sum * 20 + count) / (count * 2);
    tenths as f64 / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn review(total: i64) -> Tally {
        let mut stars = [total / 6; 6];
        stars[..(total % 6) as usize].iter_mut().for_each(|star| *star += 1);
        Tally::of(stars.into())
    }

    fn reviews(total: i64, count: usize) -> Tally {
        std::iter::repeat_n(review(total), count).fold(Tally::default(), Tally::add)
    }

    #[test]
    fn five_reviews_have_an_average_and_four_do_not() {
        assert_eq!(Rating::from(reviews(24, 4)).average, None);
        let rating = Rating::from(reviews(24, 4) + review(30));
        assert_eq!(rating.average, Some(4.2));
        assert_eq!(rating.aspects.cost, Aspect { average: Some(4.2), count: 5 });
    }

    #[test]
    fn a_review_counts_where_its_mean_rounds_to() {
        let totals =
            [(6, 1), (8, 1), (9, 2), (14, 2), (15, 3), (20, 3), (21, 4), (26, 4), (27, 5), (30, 5)];
        for (total, stars) in totals {
            let Distribution { one, two, three, four, five } =
                Rating::from(reviews(total, 7)).distribution;
            let counts = [one, two, three, four, five];
            assert_eq!(counts.iter().position(|count| *count == 7), Some(stars - 1), "{total}");
            assert_eq!(counts.iter().sum::<i64>(), 7);
        }
    }

    #[test]
    fn what_is_taken_away_again_leaves_nothing() {
        let change = review(30) - review(6);
        assert_eq!(change.count(), 0);
        assert_eq!(review(6) + change - review(30), Tally::default());
    }

    #[test]
    fn means_round_halves_up() {
        assert_eq!(mean(17, 4), 4.3);
        assert_eq!(mean(13, 6), 2.2);
        assert_eq!(mean(14, 6), 2.3);
    }

    #[test]
    fn no_reviews_are_no_average_and_no_division() {
        let rating = Rating::from(Tally::default());
        assert_eq!((rating.review_count, rating.average), (0, None));
    }
}
