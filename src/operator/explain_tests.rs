//! What the SKU page says of an update, as a table.

use super::*;

fn row(live: bool, generation: i64, acknowledged: i64) -> TargetRow {
    TargetRow {
        variant: "v".into(),
        place: "p".into(),
        place_name: "Main".into(),
        live,
        item: "Shirt".into(),
        sku: "S-1".into(),
        price_fine: 0,
        till: 46,
        waiting: 0,
        hold: 0,
        buffer: 0,
        checking: 0,
        should: 46,
        floored: 0,
        web: Some(48),
        differs_since: Timestamp(1),
        generation,
        acknowledged,
        push_state: "confirmed".into(),
        push_reason: String::new(),
        push_at: Timestamp(5),
        next_at: Timestamp(0),
        web_read_at: Timestamp(5),
        computed_at: Timestamp(9),
    }
}

fn sent(state: &str, should: i64) -> PushRow {
    PushRow {
        state: state.into(),
        reason: String::new(),
        before: 50,
        should,
        physical: should,
        sent_at: Timestamp(4),
        answered_at: Timestamp(5),
        confirmed_at: Timestamp(6),
        exchange: String::new(),
    }
}

const NOW: Timestamp = Timestamp(20);

#[test]
fn nothing_is_promised_where_nothing_is_written() {
    let paused = row(true, 7, 6);
    let halt = Halt::of(&paused, true);
    assert_eq!(in_short(&paused, halt, NOW), (Severity::Held, "Paused, not written +2".into()));
    let line = why(&paused, halt, NOW, None).remove(0);
    assert_eq!((line.units, line.cause.as_str()), (2, "Not written until somebody resumes the web shop"));
    assert_eq!(line.detail, "", "what follows is said once");
    assert_eq!(if_nothing(&paused, halt, NOW), "the web stays at 48 until somebody resumes the web shop.");
    let read = row(false, 7, 6);
    let halt = Halt::of(&read, true);
    assert_eq!(halt, Some(Halt::OnlyRead));
    assert_eq!(in_short(&read, halt, NOW).1, "Only read, not written +2");
    assert_eq!(if_nothing(&read, halt, NOW), "the web stays at 48 until somebody presses Go live.");
    let live = row(true, 7, 6);
    assert_eq!(if_nothing(&live, Halt::of(&live, false), NOW), "we set the web to 46 now.");
}

#[test]
fn the_number_that_was_acknowledged_is_the_one_that_was_sent() {
    let last = sent("confirmed", 48);
    let waits = row(true, 7, 6);
    let said = push_state(&waits, Some(Halt::Paused), Some(&last)).unwrap();
    assert_eq!((said.should, said.since), (48, Timestamp(5)));
    assert_eq!(said.unsent, Some((46, Some("nothing is written until somebody resumes the web shop".into()))));
    let said = push_state(&waits, None, Some(&last)).unwrap();
    assert_eq!(said.unsent, Some((46, None)));
    let done = push_state(&row(true, 7, 7), None, Some(&sent("confirmed", 46))).unwrap();
    assert_eq!((done.should, done.unsent), (46, None));
    let under_way = push_state(&waits, None, Some(&sent("sent", 46))).unwrap();
    assert_eq!(under_way.unsent, None, "that is the newest number");
    let overtaken = push_state(&waits, None, Some(&sent("refused", 47))).unwrap();
    assert_eq!((overtaken.should, overtaken.unsent), (47, Some((46, None))));
    assert_eq!(push_state(&waits, None, None), None);
}

#[test]
fn tries_that_wait_for_one_number_are_one_step_and_our_own_pace_is_not_the_shops() {
    let wait = |should, reason: &str| PushRow { reason: reason.into(), ..sent("throttled", should) };
    let busy = "the vendor asks us to wait";
    let tried = vec![
        sent("accepted", 3),
        wait(3, busy),
        wait(3, busy),
        wait(3, PACED),
        wait(3, "our allowance is used up until 08:00"),
        wait(3, PACED),
        wait(4, PACED),
        sent("refused", 4),
        sent("refused", 4),
    ];
    let told: Vec<(String, i64, usize)> =
        gathered(tried).into_iter().map(|(push, times)| (push.state, push.should, times)).collect();
    let want = [("accepted", 3, 1), ("throttled", 3, 2), ("throttled", 3, 3), ("throttled", 4, 1)];
    assert_eq!(told[..4], want.map(|(state, should, times)| (state.to_owned(), should, times)));
    assert_eq!(told.len(), 6, "every refusal stands alone");
    let cause = |reason: &str| {
        let row = TargetRow { push_state: "throttled".into(), push_reason: reason.into(), ..row(true, 7, 6) };
        in_short(&row, None, NOW).1
    };
    assert_eq!(cause(PACED), "Waits for our allowance +2");
    assert_eq!(cause(busy), "Shop is busy +2");
}

#[test]
fn a_refused_key_is_not_told_as_a_shop_that_cannot_be_reached() {
    let refused = TargetRow {
        push_state: "failed".into(),
        push_reason: "the vendor refused our key: expired".into(),
        ..row(true, 7, 6)
    };
    assert_eq!(in_short(&refused, None, NOW), (Severity::Now, "Shop refuses our key +2".into()));
    let line = why(&refused, None, NOW, None).remove(0);
    assert_eq!(line.detail, "It refused our key: expired. It goes out now.");
}

#[test]
fn a_notice_is_called_lost_only_with_evidence() {
    let known_at = Timestamp::from_secs(1_000);
    let movement = |way: &str, told, signed| MovementRow {
        outlet: "Main".into(),
        cause: "sale".into(),
        units: -1,
        happened_at: known_at,
        known_at,
        number: "77".into(),
        inbox: "i".into(),
        way: way.into(),
        told,
        signed,
        held: 0,
        inside: false,
    };
    let lost = Some("Notice didn't arrive, found when we read the till");
    let read = Some("Read from the till");
    let (soon, later) = (known_at + Span::minutes(1), known_at + Span::minutes(6));
    for (way, told, signed, now, want) in [
        ("notice", true, true, later, None),
        ("sweep", false, true, soon, read),
        ("sweep", false, true, later, lost),
        ("sweep", true, true, later, None),
        // Notices without a signature are hints: every sale of theirs is read from the till.
        ("sweep", false, false, soon, read),
        ("sweep", false, false, later, read),
        ("", false, true, later, None),
    ] {
        assert_eq!(found_by_reading(&movement(way, told, signed), now), want, "{way} {told} {signed}");
    }
}
