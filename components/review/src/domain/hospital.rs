use serde::{Deserialize, Serialize};

/// The longest id that HIRA gives is about 80 characters.
const MAX_ID_BYTES: usize = 100;

/// A search is a few words; more of them find nothing that fewer do not.
const MAX_TERMS: usize = 5;

/// What the open data says of a hospital. `None` where it says nothing, or nothing usable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub(crate) name: String,
    /// 종별코드명, such as 종합병원.
    pub(crate) kind: String,
    /// 시도코드명, such as 서울.
    pub(crate) region: String,
    /// 시군구코드명, such as 강남구.
    pub(crate) district: Option<String>,
    /// 읍면동.
    pub(crate) neighbourhood: Option<String>,
    pub(crate) address: String,
    pub(crate) postcode: Option<String>,
    pub(crate) phone: Option<String>,
    /// Starts with `http://` or `https://`.
    pub(crate) homepage: Option<String>,
    /// `YYYY-MM-DD`.
    pub(crate) opened_on: Option<String>,
    pub(crate) doctors: Doctors,
    pub(crate) midwives: Option<u32>,
    pub(crate) location: Option<Location>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Doctors {
    pub(crate) total: Option<u32>,
    pub(crate) medicine: Grades,
    pub(crate) dentistry: Grades,
    pub(crate) korean_medicine: Grades,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Grades {
    /// 일반의.
    pub(crate) general: Option<u32>,
    /// 인턴.
    pub(crate) interns: Option<u32>,
    /// 레지던트.
    pub(crate) residents: Option<u32>,
    /// 전문의.
    pub(crate) specialists: Option<u32>,
}

/// WGS 84, in degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Location {
    pub(crate) longitude: f64,
    pub(crate) latitude: f64,
}

/// A hospital as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct Hospital {
    pub(crate) id: String,
    pub(crate) facts: Facts,
    /// A closed hospital can be read, not reviewed.
    pub(crate) open: bool,
}

/// Whether this can be the id of a hospital: HIRA's are Base64, those of sample data `SYN-…`.
pub(crate) fn is_id(id: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_');
    (1..=MAX_ID_BYTES).contains(&id.len()) && id.bytes().all(allowed)
}

impl Facts {
    /// What a search looks through: also the initial consonants of the name, as people type
    /// them, without the spaces.
    pub(crate) fn search_text(&self) -> String {
        let initials: String = text::initial_consonants(&self.name).split_whitespace().collect();
        let parts = [
            Some(&self.name),
            Some(&self.region),
            self.district.as_ref(),
            self.neighbourhood.as_ref(),
            Some(&self.address),
            Some(&initials),
        ];
        let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        parts.join(" ").to_lowercase()
    }
}

/// The words of a search, each of which has to be found.
pub(crate) fn search_terms(query: &str) -> Vec<String> {
    query.split_whitespace().take(MAX_TERMS).map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::{Doctors, Facts, Grades, is_id, search_terms};

    fn facts(name: &str) -> Facts {
        let grades = Grades { general: None, interns: None, residents: None, specialists: None };
        Facts {
            name: name.into(),
            kind: "병원".into(),
            region: "서울".into(),
            district: Some("중구".into()),
            neighbourhood: None,
            address: "서울특별시 중구 A로 1".into(),
            postcode: None,
            phone: None,
            homepage: None,
            opened_on: None,
            doctors: Doctors {
                total: None,
                medicine: grades.clone(),
                dentistry: grades.clone(),
                korean_medicine: grades,
            },
            midwives: None,
            location: None,
        }
    }

    #[test]
    fn a_hospital_is_found_by_its_initial_consonants() {
        let searched = facts("새 서울병원 K").search_text();
        for term in ["ㅅㅇㅂ", "ㅅㅅㅇㅂㅇk", "서울병", "a로", "중구"] {
            assert!(searched.contains(term), "{term} in {searched}");
        }
        assert!(!searched.contains("ㅈㄱ"), "those of the name alone");
    }

    #[test]
    fn ids_are_opaque_but_harmless() {
        assert!(is_id("SYN-0001"));
        assert!(is_id("JDQ4MTAxMiM1MSMkMSMkMCMkNzI+/w=="));
        for id in ["", "a b", "a\0", "한", "..", "a?b", &"a".repeat(101)] {
            assert!(!is_id(id), "{id}");
        }
    }

    #[test]
    fn a_search_is_a_few_words_in_lower_case() {
        assert_eq!(search_terms(" 서울  ABC내과 "), ["서울", "abc내과"]);
        assert_eq!(search_terms("1 2 3 4 5 6 7").len(), 5);
    }
}
