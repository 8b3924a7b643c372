//! One invented morning, Tuesday 14 May 2024, 08:41 in London, with numbers that add up across the pages.

use truecount::domain::access::{Deed, Role};
use truecount::domain::ids::PersonId;
use truecount::domain::mapping::{Choice, Line, Standing, Topic};
use truecount::domain::master::{Known, Master, Rate};
use truecount::domain::money::Minor;
use truecount::domain::ownership::{Owners, Part};
use truecount::domain::problem::Press;
use truecount::domain::system::SystemSide;
use truecount::domain::time::{Span, Timestamp};
use truecount::operator::Actor;
use truecount::operator::mapping::{Chosen, LineShown, Pair, Preview, PreviewLine, Shown, TopicShown};
use truecount::operator::views::*;

/// 14 May 2024, 07:41:10 UTC.
pub const NOW: Timestamp = Timestamp::from_secs(1_715_672_470);

fn ago(span: Span) -> Timestamp {
    NOW - span
}

/// The clock time of that day in London, as an instant.
fn at(day: i64, h: i64, m: i64, s: i64) -> Timestamp {
    Timestamp::from_secs(1_715_644_800 + (day - 14) * 86_400 + (h - 1) * 3_600 + m * 60 + s)
}

/// The person who looks.
pub fn actor(role: Role) -> Actor {
    Actor { person: PersonId::new("p1"), name: "Operations desk".into(), role }
}

/// Ages of all numbers; `stale` makes the till silent.
pub fn freshness(stale: bool) -> Freshness {
    let why = "Lightspeed refused our last 6 calls (service not available). We keep trying, next at 08:42. Until then nothing is raised on the web; falls we know of still go out. No customer waits for this yet.";
    Freshness {
        marks: vec![
            Mark { label: "Web".into(), read_up_to: Some(at(14, 8, 40, 52)), stale: None },
            Mark {
                label: "Till".into(),
                read_up_to: Some(at(14, 8, 40, 31)),
                stale: stale.then(|| (at(14, 8, 12, 7), why.into())),
            },
        ],
        compared_at: Some(at(14, 3, 10, 0)),
        now: NOW,
    }
}

fn press(label: &str, href: &str) -> Press {
    Press::look(label, href)
}

/// Today with its problems, or with none.
pub fn today(empty: bool) -> Today {
    let row = |id: &str, severity, title: &str, why: &str, money, waits: &str, actions, team: &str, owner| ProblemRow {
        id: id.into(),
        severity,
        title: title.into(),
        why: why.into(),
        money: Some((Minor(money), "GBP".into())),
        waits: waits.into(),
        actions,
        team: team.into(),
        owner,
        since: ago(Span::hours(1)),
    };
    let problems = vec![
        row(
            "a",
            Severity::Now,
            "Oversold by 1: Oak Belt, Brown 85",
            "Two web orders want it, one is left. Soho sold one on Monday at 17:58 and the web heard 9\u{a0}minutes late, because the shop was busy.",
            8_900,
            "1 customer to call",
            vec![press("Open the SKU", "/stock/v1"), press("Show the raw exchange", "/evidence/call/1")],
            "operations",
            None,
        ),
        row(
            "b",
            Severity::Now,
            "The till refused 3 of our calls",
            "Its allowance is used up until 08:44. Nothing was lost: we read on from 08:40:31 as soon as it answers.",
            41_200,
            "first pick-up 10:00",
            vec![
                Press::act("Read again", "/connections/c2/read-again", Deed::ReadAgain),
                press("See the connection", "/connections"),
            ],
            "operations",
            Some(("Operations desk".into(), at(14, 8, 36, 0))),
        ),
        row(
            "c",
            Severity::Soon,
            "14 sizes of Harbour Tee are not linked",
            "The style was made in the till last night without barcodes, so 61 units cannot sell online.",
            122_000,
            "61 units off sale",
            vec![press("See the 14 sizes", "/stock?linked=no")],
            "merchandising",
            Some(("Merchandising".into(), at(14, 8, 20, 0))),
        ),
        row(
            "d",
            Severity::Soon,
            "4 store returns have no web order",
            "No receipt was scanned. All 4 units are on hold, not on sale.",
            19_100,
            "oldest 16\u{a0}h",
            vec![press("See the 4 SKUs", "/stock?differs=yes")],
            "operations",
            None,
        ),
    ];
    Today {
        freshness: freshness(false),
        trust_permille: Some(if empty { 992 } else { 986 }),
        equal_of: (4_798, 4_792),
        problems: if empty { Vec::new() } else { problems },
        fixed: vec![
            (37, "Late updates, caught up".into()),
            (9, "Notices that didn't arrive, found by reading".into()),
            (5, "Updates the shop refused, then taken".into()),
            (1, "Empty till answer at 08:31. Brake held 412 SKUs, nothing written".into()),
        ],
        fixed_since: at(13, 18, 0, 0),
        stores: vec![("King's Cross".into(), 18, 31), ("Soho".into(), 7, 9)],
        stores_since: None,
        on_hold: (4, Some(ago(Span::hours(16)))),
    }
}

/// A sum that adds up.
pub fn sum(till: i64, waiting: i64, hold: i64, buffer: i64, web: i64) -> Sum {
    let raw = till - waiting - hold - buffer;
    let should = raw.max(0);
    Sum {
        till,
        waiting,
        hold,
        buffer,
        checking: 0,
        should,
        floored: should - raw,
        web: Some(web),
        difference: Some(web - should),
    }
}

/// The Stock list.
pub fn stock() -> Stock {
    let row = |item: &str, sku: &str, sum, severity, cause: &str| StockRow {
        variant: Some(format!("v-{sku}")),
        item: item.into(),
        sku: sku.into(),
        place: "Web warehouse".into(),
        loose: None,
        sum: Some(sum),
        till: None,
        value: None,
        cause: (severity, cause.into()),
    };
    let mut rows = vec![
        row(
            "Oak Belt, Brown 85",
            "OAK-BELT-BRN-85",
            sum(1, 2, 0, 0, 0),
            Severity::Now,
            "Oversold by 1, web cannot go below 0",
        ),
        row("Linen Dress, Blue M", "LIN-DRESS-BLU-M", sum(7, 1, 0, 1, 9), Severity::Soon, "Wrong link, suspected +4"),
        row("Linen Dress, Blue S", "LIN-DRESS-BLU-S", sum(4, 0, 0, 0, 0), Severity::Soon, "Wrong link, suspected −4"),
        row(
            "Linen Shirt, White M",
            "LIN-SHIRT-WHT-M",
            sum(6, 1, 1, 1, 5),
            Severity::Soon,
            "Shop refused it +1, edited by hand +1",
        ),
        row(
            "Wool Scarf, Rust",
            "WOL-SCARF-RST",
            sum(23, 1, 0, 1, 23),
            Severity::Waiting,
            "Stocktake at Soho +2, on its way",
        ),
        row(
            "Chino, Navy 32",
            "CHN-TRSR-NVY-32",
            sum(11, 2, 0, 1, 9),
            Severity::Waiting,
            "Late update +1, next try 08:44",
        ),
        row(
            "Merino Crew, Grey M",
            "MER-CREW-GRY-M",
            sum(18, 3, 0, 1, 15),
            Severity::Waiting,
            "Notice didn't arrive +1, on its way",
        ),
        row("Merino Crew, Grey L", "MER-CREW-GRY-L", sum(14, 0, 1, 1, 12), Severity::Fine, "Equal"),
        row("Canvas Tote, Ecru", "CAN-TOTE-ECR", sum(42, 4, 0, 2, 36), Severity::Fine, "Equal"),
        row(
            "Rain Jacket, Olive M",
            "RN-JACKET-OLV-M",
            sum(5, 0, 2, 1, 2),
            Severity::Held,
            "Held by the brake until 08:46",
        ),
        row("Card Holder, Black", "LEA-CARD-BLK", sum(31, 0, 0, 1, 30), Severity::Fine, "Equal"),
    ];
    rows.push(StockRow {
        variant: None,
        item: "Harbour Tee, Navy L".into(),
        sku: "HRB-TEE-NVY-L".into(),
        place: String::new(),
        loose: Some(Loose { at_till: true, connection: "Till".into(), has_namesakes: false }),
        till: Some(4),
        value: Some((Minor(35_960), "GBP".into())),
        sum: None,
        cause: (Severity::Soon, "Not linked".into()),
    });
    Stock {
        freshness: freshness(false),
        rows,
        matching: 212,
        total: 4_812,
        differing: (6, 14),
        unlinked: 14,
        outlets_left: 0,
        places: vec![("p1".into(), "Web warehouse".into())],
        page_size: 50,
    }
}

/// One SKU with two units too many on the web.
pub fn sku() -> Sku {
    let step = |at, place: &str, what: &str, short: &str, sum, evidence: bool| Step {
        at,
        known_at: at + Span::secs(2),
        place: place.into(),
        what: what.into(),
        short: short.into(),
        changed: true,
        sum,
        evidence: evidence.then(|| "/evidence/notice/1".into()),
    };
    let steps = vec![
        step(at(13, 9, 0, 0), "Both", "Compared: equal", "compared, equal", sum(6, 0, 0, 1, 5), false),
        step(
            at(13, 16, 20, 33),
            "King's Cross till",
            "Return R-331, no web order found, put on hold",
            "return R-331",
            sum(7, 0, 1, 1, 5),
            true,
        ),
        step(
            at(14, 8, 12, 15),
            "Web",
            "Order W-10482, 1 sold, waits for the till",
            "order W-10482",
            sum(7, 1, 1, 1, 4),
            true,
        ),
        step(
            at(14, 8, 21, 40),
            "Web, by hand",
            "Count changed from 4 to 5 by a shop user",
            "hand edit 4→5",
            sum(7, 1, 1, 1, 5),
            false,
        ),
        step(at(14, 8, 38, 2), "King's Cross till", "Sale 1693, 1 sold", "sale 1693", sum(6, 1, 1, 1, 5), true),
        step(
            at(14, 8, 38, 9),
            "To web",
            "Our update to 3 was refused, shop is busy. Next try 08:44",
            "update refused",
            sum(6, 1, 1, 1, 5),
            true,
        ),
    ];
    Sku {
        freshness: freshness(false),
        variant: "v1".into(),
        item: "Linen Shirt, White M".into(),
        sku: "LIN-SHIRT-WHT-M".into(),
        barcode: Some("5012345678900".into()),
        links: vec![("till item".into(), "88213".into(), "LIN-SHIRT-WHT-M".into())],
        places: vec![SkuPlace {
            older: false,
            place: "p1".into(),
            name: "Web warehouse".into(),
            live: true,
            read_at: Some(at(14, 8, 40, 31)),
            sum: sum(6, 1, 1, 1, 5),
            outlets: vec![("King's Cross".into(), 4), ("Soho".into(), 2)],
            orders: vec![("W-10482".into(), 1)],
            holds: vec![("R-331".into(), 1, at(13, 16, 20, 33))],
            why: vec![
                CauseLine {
                    units: 1,
                    cause: "Shop refused our update".into(),
                    detail: "at 08:38, it was busy. It goes out again at 08:44.".into(),
                    evidence: Some("/evidence/call/1".into()),
                },
                CauseLine {
                    units: 1,
                    cause: "Edited by hand on the web".into(),
                    detail: "at 08:21, from 4 to 5, by a shop user.".into(),
                    evidence: Some("/evidence/record/2".into()),
                },
                CauseLine { units: 0, cause: "Not explained yet".into(), detail: String::new(), evidence: None },
            ],
            if_nothing: "at 08:44 we set the web to 3, only if it still shows 5.".into(),
            steps,
            push: Some(PushState {
                state: "refused".into(),
                should: 3,
                since: at(14, 8, 38, 9),
                reason: Some("Shop is busy; next try 08:44.".into()),
                unsent: None,
            }),
        }],
    }
}

/// Both systems, one of them slow.
pub fn connections() -> Connections {
    let slots = (0..96_i64)
        .map(|i| match i {
            38 => Span::millis(542_000),
            37 | 39 => Span::secs(200),
            60 => Span::secs(36),
            20..24 => Span::ZERO,
            _ => Span::millis(2_500 + (i * 7_919 % 13) * 600),
        })
        .collect();
    Connections {
        freshness: freshness(false),
        cards: vec![
            ConnectionCard {
                id: "c1".into(),
                title: "Web shop".into(),
                vendor: "Centra".into(),
                health: (Severity::Fine, "Working".into(), None),
                read_up_to: Some(at(14, 8, 40, 52)),
                compared_at: Some(at(14, 3, 10, 0)),
                allowance: Some((71, "refills every second".into())),
                notices: (1_904, 57, 9, 0),
                key_hint: Some("9f2c".into()),
                notice_url: "https://truecount.example/hooks/c1".into(),
                paused: false,
            },
            ConnectionCard {
                id: "c2".into(),
                title: "Till".into(),
                vendor: "Lightspeed X-Series, 2 outlets".into(),
                health: (
                    Severity::Soon,
                    "Slow".into(),
                    Some("It answers, but its allowance runs out at 08:47 unless its pace falls.".into()),
                ),
                read_up_to: Some(at(14, 8, 40, 31)),
                compared_at: Some(at(14, 3, 10, 0)),
                allowance: Some((38, "lasts to 08:47, refills 08:50".into())),
                notices: (3_210, 14, 0, 2),
                key_hint: Some("41ab".into()),
                notice_url: "https://truecount.example/hooks/c2".into(),
                paused: false,
            },
        ],
        delay: Delay {
            count: 412,
            p50: Some(Span::secs(4)),
            p95: Some(Span::secs(41)),
            worst: Some((Span::millis(542_000), at(13, 17, 58, 0))),
            slots,
            from: at(13, 8, 41, 0),
        },
        places: vec![
            PlaceRow {
                id: "p1".into(),
                name: "Web warehouse".into(),
                connection: "Web shop".into(),
                outlets: vec![("o1".into(), "King's Cross".into()), ("o2".into(), "Soho".into())],
                live_since: Some(at(1, 9, 0, 0)),
            },
            PlaceRow {
                id: "p2".into(),
                name: "Outlet sale".into(),
                connection: "Web shop".into(),
                outlets: vec![],
                live_since: None,
            },
        ],
        unmapped_outlets: vec![("o3".into(), "Market stall".into())],
        refused: vec![RefusedNotice {
            at: at(14, 7, 2, 11),
            connection: "Till".into(),
            status: 401,
            reason: "Its signature does not fit our secret.".into(),
            count: 2,
        }],
        parked: vec![ParkedRecord {
            id: "i9".into(),
            at: at(13, 22, 14, 3),
            connection: "Till".into(),
            what: "sale 88f1".into(),
            reason: "A line has no product.".into(),
        }],
    }
}

/// What it would change if Soho fed the other place.
pub fn remap() -> RemapPreview {
    let line = |place: &str, before, after| RemapLine {
        variant: "v1".into(),
        item: "Linen Shirt, White M".into(),
        sku: "LIN-SHIRT-WHT-M".into(),
        place: place.into(),
        before,
        after,
    };
    RemapPreview {
        outlet: "o2".into(),
        name: "Soho".into(),
        from: Some(("p1".into(), "Web warehouse".into())),
        to: Some(("p2".into(), "Outlet sale".into())),
        stops: vec!["Web warehouse".into()],
        lines: vec![line("Web warehouse", 3, 1), line("Outlet sale", 0, 2)],
        changed: 2,
        unchanged: 14,
        fingerprint: "a1".repeat(32),
    }
}

/// Payments, taxes and registers of the two, with one of each thing that can be said of them.
pub fn mapping() -> Shown {
    let of = |code: &str, name: &str, seen| Master { seen, ..Master::new(code, name) };
    let line = |web: Master, choice: Choice, standing: Standing, chosen: &str, could_be: &[&str]| LineShown {
        line: Line { web, choice, standing },
        chosen: chosen.into(),
        could_be: could_be.iter().map(|name| (*name).to_owned()).collect(),
        before: (chosen == "Card").then(|| ("Cash".into(), "Operations desk".into(), at(14, 7, 58, 0))),
    };
    let to = |code: &str| Choice::Twin(code.into());
    let payments = vec![
        line(of("voucher", "Voucher", 2), to("9"), Standing::TwinPutAway, "Gift Card (archived over there)", &[]),
        line(of("klarna", "klarna", 88), Choice::Open, Standing::Alone, "Not decided", &[]),
        line(of("cash", "cash", 3), Choice::Open, Standing::Obvious("1".into()), "Not decided", &["Cash"]),
        line(of("adyen_cc", "adyen_cc", 214), to("2"), Standing::Linked, "Card", &[]),
        line(of("free", "free", 0), Choice::LeftOut, Standing::Fine, "Left out on purpose", &[]),
    ];
    let reduced = Master { rate: Some(Rate(0)), ..Master::new("3", "Books") };
    let several = Standing::Several(vec!["5".into(), "6".into()]);
    let taxes = vec![line(reduced, Choice::Open, several, "Not decided", &["Zero, 0\u{a0}%", "Exempt, 0\u{a0}%"])];
    let read = |known| (known, at(14, 3, 12, 0));
    let option = |code: &str, name: &str| (format!("to:{code}"), name.to_owned());
    let topic =
        |topic, web, till, lines, options| TopicShown { topic, web: read(web), till: read(till), lines, options };
    let returned = line(
        Master::new("returned", "Returned units"),
        Choice::Open,
        Standing::Fine,
        "On hold at the outlet that took them",
        &[],
    );
    let pair = Pair { shop: "c1".into(), till: "c2".into(), names: ("Web shop".into(), "Till".into()) };
    Shown {
        pairs: vec![pair.clone()],
        pair: Some(pair),
        topics: vec![
            topic(Topic::Payments, Known::Seen, Known::Whole, payments, vec![option("2", "Card"), option("1", "Cash")]),
            topic(
                Topic::Taxes,
                Known::Whole,
                Known::Whole,
                taxes,
                vec![option("5", "Zero, 0\u{a0}%"), option("6", "Exempt, 0\u{a0}%")],
            ),
            topic(
                Topic::Registers,
                Known::Untold,
                Known::Refused("permission registers:read is missing".into()),
                Vec::new(),
                Vec::new(),
            ),
            topic(Topic::Returns, Known::Whole, Known::Whole, vec![returned], vec![option("7", "Soho")]),
        ],
        owners: Owners::new([(Part::Prices, SystemSide::Till)]),
        paused: Vec::new(),
    }
}

/// Two decisions that would change.
pub fn mapping_preview() -> Preview {
    let line = |web: &str, was: Choice, to: Choice, before: &str, after: &str, seen| PreviewLine {
        chosen: Chosen { web: web.into(), was, to },
        name: web.into(),
        seen,
        before: before.into(),
        after: after.into(),
    };
    let to = |code: &str| Choice::Twin(code.into());
    Preview {
        pair: Pair { shop: "c1".into(), till: "c2".into(), names: ("Web shop".into(), "Till".into()) },
        topic: Topic::Payments,
        lines: vec![
            line("adyen_cc", to("2"), to("4"), "Card", "Card, online", 214),
            line("free", Choice::LeftOut, Choice::Open, "Left out on purpose", "Not decided", 0),
        ],
    }
}

/// What going live would write.
pub fn go_live() -> GoLivePreview {
    let write = |item: &str, sku: &str, before, after| GoLiveWrite {
        variant: sku.into(),
        item: item.into(),
        sku: sku.into(),
        before,
        after,
    };
    GoLivePreview {
        place: "p2".into(),
        name: "Outlet sale".into(),
        writes: vec![
            write("Linen Dress, Blue M", "LIN-DRESS-BLU-M", 9, 5),
            write("Wool Scarf, Rust", "WOL-SCARF-RST", 23, 21),
            write("Chino, Navy 32", "CHN-TRSR-NVY-32", 9, 8),
        ],
        fingerprint: "5f0c".repeat(16),
        unchanged: 198,
        unlinked: 14,
        read_at: Some(ago(Span::secs(6))),
        blocked: None,
    }
}

/// One search result, with this in place of every text.
pub fn found(text: impl Fn() -> String) -> Found {
    Found {
        document: text(),
        item: text(),
        sku: text(),
        place: text(),
        href: text(),
        sum: None,
        till: Some(4),
        note: text(),
    }
}

/// A raw exchange.
pub fn evidence() -> Evidence {
    Evidence {
        title: "Call".into(),
        at: at(14, 8, 38, 9),
        connection: "Web shop".into(),
        facts: vec![
            ("What".into(), "Set the count to 3".into()),
            ("Answer".into(), "429, try again in 341 s".into()),
            ("Tried".into(), "1 of 8".into()),
        ],
        raw: vec![
            ("Sent".into(), "POST /v1/stock\n{\n  \"quantity\": 3\n}".into()),
            ("Received".into(), "429\n{\"error\": \"busy\"}".into()),
        ],
        about: Some(EvidenceOf {
            item: "Linen Shirt, White M".into(),
            sku: "LIN-SHIRT-WHT-M".into(),
            place: "Web warehouse".into(),
            href: "/stock/v1?place=p1".into(),
            lines: vec![
                ("Web showed before".into(), "5".into(), None),
                ("Should show".into(), "3".into(), None),
                ("Sent".into(), "Set the web to 3".into(), Some(at(14, 8, 38, 9))),
                ("Came back".into(), "The shop was too busy for it".into(), Some(at(14, 8, 38, 10))),
                ("Read back".into(), "Not read back yet".into(), None),
            ],
        }),
    }
}
