//! What only the store's own connection can be made to do.

use withheld_team::id::Hash;
use withheld_testkit::Temp;

use super::*;
use crate::store::NewLink;
use withheld_team::api::Position;

const WS: WorkspaceId = WorkspaceId::of([0x11; 32]);

fn of_link(after: Position, number: u8, signed: Vec<u8>) -> Append {
    Append {
        ws: WS,
        by: DeviceId::of([0xaa; 16]),
        at: 1_800_000_000_000,
        after,
        links: vec![NewLink {
            hash: Hash::of([number; 32]),
            signed,
        }],
        begun: vec![],
        epochs: vec![],
        devices: vec![],
        cuts: vec![],
        commits: vec![],
        envelopes: vec![],
    }
}

/// A disk that is full for a moment, played by a file that may not grow.
#[tokio::test]
async fn after_a_full_disk_it_writes_again() {
    let folder = Temp::new();
    let db = Sqlite::open(&folder.path().join("withheld.db"))
        .await
        .unwrap();
    let limits = Limits::default();
    let nothing = Position {
        seq: 0,
        hash: Hash::ZERO,
    };
    let first = of_link(nothing, 1, b"first".to_vec());
    assert!(matches!(
        db.create(&first, &limits).await,
        Ok(Appended::Done(_))
    ));
    sqlx::query("PRAGMA max_page_count = 1")
        .execute(&db.writer)
        .await
        .unwrap();
    let after = Position {
        seq: 1,
        hash: Hash::of([1; 32]),
    };
    let large = of_link(after, 2, vec![7; 1 << 20]);
    let full = db.append(&large, &limits).await.unwrap_err();
    assert!(full.to_string().contains("full"), "{full}");
    // As when somebody made room. The connection may be another one by now.
    sqlx::query("PRAGMA max_page_count = 1000000")
        .execute(&db.writer)
        .await
        .unwrap();
    let stored = db.append(&large, &limits).await.unwrap();
    assert!(matches!(stored, Appended::Done(heads) if heads.w.seq == 2));
    db.health().await.unwrap();
    db.close().await;
}
