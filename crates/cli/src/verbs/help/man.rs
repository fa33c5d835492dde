//! The manual pages, from the same words as the help.

use clap_mangen::Man;

use crate::cli::usage;

/// The page of a verb (or of `agent add`), of the whole program where none is named; `None` where there
/// is no such verb.
pub(super) fn page(verb: &[&str]) -> Option<String> {
    let command = usage::found(verb)?;
    let mut page = Vec::new();
    Man::new(command).render(&mut page).ok()?;
    String::from_utf8(page).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_has_a_page_and_the_program_names_them_all() {
        let whole = page(&[]).unwrap_or_default();
        assert!(whole.contains(".TH withheld 1"), "{whole}");
        assert!(whole.contains("withheld\\-push(1)"), "{whole}");
        let add = page(&["agent", "add"]).unwrap_or_default();
        assert!(add.contains(".SH OPTIONS"), "{add}");
        assert!(page(&["get"]).is_none());
    }
}
