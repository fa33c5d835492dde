//! Who adds devices.

use withheld_team::Verdict::Invalid;

use crate::common::{Book, Device, Draft};
use crate::story::People;
use crate::vectors::Group;

const MISSING: &str = "a link without a signature that it must have";

pub(crate) fn attacks(who: &People, book: &Book) -> Group {
    let mut group = Group::of(book);
    devices(&mut group, who, book);
    many_devices(&mut group, who, book);
    group
}

fn devices(group: &mut Group, who: &People, book: &Book) {
    let People {
        olga,
        mia,
        mia2,
        rita,
        ..
    } = who;
    let new = Device::new(3, 0x33);
    let honest = book.device_add(mia, &new);
    let mut add = |what, draft: Draft, text| {
        group.add(what, book, draft.seal(), Invalid(text), honest.seal());
    };
    let text = "a device added for another member than its author";
    add(
        ("69", "a device for another member"),
        book.device_add(olga, &new),
        text,
    );
    let text = "a device that is or was somebody's already";
    add(
        ("70", "a device a second time"),
        book.device_add(mia, mia2),
        text,
    );
    let mut of_rita = rita.clone();
    of_rita.member = mia.member;
    add(
        ("70b", "a removed device becomes another's"),
        book.device_add(mia, &of_rita),
        text,
    );
    let draft = |by: &[_]| honest.clone().signed_by(by);
    add(
        ("71", "a device that does not sign"),
        draft(&[mia.by_admin()]),
        MISSING,
    );
    add(
        ("71b", "a device without its owner key's signature"),
        draft(&[mia.by_admin(), new.by_ops()]),
        MISSING,
    );
    add(
        ("71c", "a device without its own signature"),
        draft(&[mia.by_admin(), new.by_admin()]),
        MISSING,
    );
    add(
        ("71d", "a device that nobody of the member adds"),
        draft(&[new.by_ops(), new.by_admin()]),
        MISSING,
    );
    let unattended = draft(&[mia.by_ops(), new.by_ops(), new.by_admin()]);
    add(("71e", "a device added unattended"), unattended, MISSING);
}

/// Mia has two.
fn many_devices(group: &mut Group, who: &People, book: &Book) {
    let mut nine = book.clone();
    for n in 3..10 {
        nine.push(&nine.device_add(&who.mia, &Device::new(3, 0x40 + n)));
    }
    let tenth = nine.device_add(&who.mia, &Device::new(3, 0x4a));
    let ten = nine.and(&tenth);
    let eleventh = ten.device_add(&who.mia, &Device::new(3, 0x4b));
    let of_another = ten.device_add(&who.otto, &Device::new(5, 0x4b));
    let text = "an eleventh device of one member";
    group.add(
        ("71f", "an eleventh device"),
        &ten,
        eleventh.seal(),
        Invalid(text),
        of_another.seal(),
    );
}
