//! What is shown as the beginning of a workspace.

use withheld_team::Verdict::{self, Fork, Invalid, Unknown};
use withheld_team::id::{Hash, WorkspaceId};
use withheld_team::links::{Body, Op};

use crate::common::{Book, Draft, genesis, link_hash};
use crate::story::{DEV, People};
use crate::vectors::Group;

pub(crate) fn attacks(who: &People, book: &Book) -> Group {
    let mut group = Group::of(book);
    let other = genesis(&who.olga, 8, book.ts).seal();
    group.add_genesis(
        ("16", "the genesis of another workspace"),
        book.ws,
        other,
        Fork,
    );

    let honest = genesis(&who.olga, 7, book.ts);
    let mut bad = |what, draft: Draft, verdict: Verdict| {
        let ws = link_hash(&draft.body.to_bytes()).into();
        group.add_genesis(what, ws, draft.seal(), verdict);
    };
    let with = |change: fn(&mut Body)| honest.clone().with(change);
    let text = "a genesis that is not the first link";
    bad(
        ("49", "a genesis at position 2"),
        with(|body| body.seq = 2),
        Invalid(text),
    );
    let text = "a genesis that follows a link";
    let follows = with(|body| body.prev = Hash::of([1; 32]));
    bad(
        ("50", "a genesis that follows something"),
        follows,
        Invalid(text),
    );
    let suite = with(|body| {
        if let Op::Genesis { suite, .. } = &mut body.op {
            *suite = 2;
        }
    });
    let text = "the set of algorithms of this workspace";
    bad(("51", "a genesis of another suite"), suite, Unknown(text));
    let (adam, signed) = (who.adam.id, [who.adam.by_admin()]);
    let of_another = honest.clone().with(|body| body.author = adam);
    let of_another = of_another.and_by(who.adam.by_admin());
    let text = "a genesis whose author is not its device";
    bad(
        ("52", "a genesis by another device than it names"),
        of_another,
        Invalid(text),
    );
    let text = "a genesis that names a workspace";
    let named = with(|body| body.ws = WorkspaceId::of([1; 32]));
    bad(
        ("52b", "a genesis that names a workspace"),
        named,
        Invalid(text),
    );
    let text = "a chain that does not begin with a genesis";
    let no_genesis = with(|body| body.op = Op::EnvCreate { env: DEV });
    bad(
        ("52c", "another operation as the first"),
        no_genesis,
        Invalid(text),
    );
    let text = "a link without a signature that it must have";
    bad(
        ("52d", "a genesis that nobody signed"),
        honest.clone().signed_by(&[]),
        Invalid(text),
    );
    let by_ops = honest.clone().signed_by(&[who.olga.by_ops()]);
    bad(
        ("52e", "a genesis signed unattended"),
        by_ops,
        Invalid(text),
    );
    let text = "a signature by a key that nobody here has";
    bad(
        ("52f", "a genesis signed by a stranger"),
        honest.clone().signed_by(&signed),
        Invalid(text),
    );
    let (signer, _) = who.olga.by_admin();
    let forged = honest
        .clone()
        .signed_by(&[(signer, who.adam.admin.clone())]);
    bad(
        ("52g", "a genesis with a forged signature"),
        forged,
        Invalid("a bad signature"),
    );
    let text = "bytes that are not in the one encoding";
    let trailing = [honest.seal(), vec![0]].concat();
    group.add_genesis(
        ("52h", "a byte after the genesis"),
        book.ws,
        trailing,
        Invalid(text),
    );
    group
}
