//! The attacks, one file of vectors a subject.

mod devices;
mod environments;
mod epochs;
mod genesis;
mod grants;
mod invitations;
mod joins;
mod links;
mod lowerings;
mod people;
mod places;

use crate::common::Book;
use crate::story::People;
use crate::vectors::Group;

pub(crate) fn all(who: &People, book: &Book) -> Vec<(&'static str, Group)> {
    vec![
        ("genesis", genesis::attacks(who, book)),
        ("links", links::attacks(who, book)),
        ("environments", environments::attacks(who, book)),
        ("grants", grants::attacks(who, book)),
        ("invitations", invitations::attacks(who, book)),
        ("joins", joins::attacks(who, book)),
        ("devices", devices::attacks(who, book)),
        ("lowerings", lowerings::attacks(who, book)),
        ("people", people::attacks(who, book)),
        ("places", places::attacks(who, book)),
        ("epochs", epochs::attacks(who, book)),
    ]
}
