//! Who makes environments.

use withheld_team::Verdict::Invalid;
use withheld_team::id::EnvId;
use withheld_team::links::Op;

use crate::common::Book;
use crate::story::{DEV, DIRECTORY, People};
use crate::vectors::Group;

pub(crate) fn attacks(who: &People, book: &Book) -> Group {
    let mut group = Group::of(book);
    let env = EnvId::of([0xd2; 16]);
    let twin = book.say(&who.adam, Op::EnvCreate { env }).seal();
    let mut add = |what, author, env, text| {
        let link = book.say(author, Op::EnvCreate { env }).seal();
        group.add(what, book, link, Invalid(text), twin.clone());
    };
    let text = "an environment made by someone who is not an admin";
    add(("59", "a member makes an environment"), &who.mia, env, text);
    let text = "an environment that was there already";
    add(("60", "an environment a second time"), &who.adam, DEV, text);
    add(
        ("60b", "the directory a second time"),
        &who.olga,
        DIRECTORY,
        text,
    );
    group
}
