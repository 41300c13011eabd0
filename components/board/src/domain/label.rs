//! What stands in place of a name: a label that holds within one thread and nowhere else.

/// The number of whoever wrote the post.
pub(crate) const POSTER: i64 = 0;

/// `글쓴이` for the poster, else `익명 1`, `익명 2`, … in the order of first comments.
pub(crate) fn label(number: i64) -> String {
    match number {
        POSTER => "글쓴이".to_owned(),
        number => format!("익명 {number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn the_poster_has_no_number() {
        assert_eq!(label(0), "글쓴이");
        assert_eq!(label(12), "익명 12");
    }
}
