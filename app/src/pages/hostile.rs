//! Every page with text that tries to break out of it.

use super::sample;
use super::{
    connection_new, connections, error, evidence, frame, go_live, login, map_outlet, mapping, mapping_preview, search,
    sku, stock, today,
};
use crate::server::files::Assets;
use crate::ui::document::Head;
use crate::ui::when::Clock;
use leptos::prelude::*;
use truecount::domain::access::{Deed, Role};
use truecount::domain::master::Known;
use truecount::domain::problem::Press;
use truecount::domain::system::System;
use truecount::operator::OperatorError;
use truecount::operator::views::StockQuery;

const BREAKOUT: &str = "</script></title></select><img src=x onerror=alert(1)>\"'><b>";
const BACKWARDS: &str = "\u{202e}moc.live\u{2066}\u{1b}[31m\0";

/// Puts hostile text in place of an ordinary word of the sample data.
fn spoil(text: &mut String) {
    *text = format!("{BREAKOUT}{BACKWARDS}{}", "W".repeat(10_000));
}

fn html(draw: impl FnOnce() -> AnyView) -> String {
    let owner = Owner::new();
    owner.with(|| draw().to_html())
}

/// The same of a whole page as it is sent, frame and all.
async fn check_sent(name: &str, draw: impl FnOnce() -> AnyView) {
    let head = Head { title: hostile(), theme: "dark", alive: false, assets: Assets::default(), nonce: "n".into() };
    let answer = frame::render(http::StatusCode::OK, head, draw);
    let bytes = axum::body::to_bytes(answer.into_body(), 1 << 24).await.expect("a body");
    let sent = String::from_utf8(bytes.to_vec()).expect("text");
    let (_, body) = sent.split_once("</title>").expect("a title");
    // What stands inside a tag, as the value of a field does, stays as it came.
    let read: String = sent.split('<').filter_map(|part| part.rsplit('>').next()).collect();
    assert!(!read.contains(['\u{202e}', '\u{2066}', '\u{1b}', '\0']), "{name} sends what nobody sees");
    assert!(body.contains("⟨U+202E⟩moc.live⟨U+2066⟩⟨U+001B⟩[31m⟨U+0000⟩"), "{name} spells it out");
}

fn hostile() -> String {
    let mut text = String::new();
    spoil(&mut text);
    text
}

fn check(name: &str, draw: impl FnOnce() -> AnyView) {
    let html = html(draw);
    for raw in ["</script>", "<img", "</title>", concat!("</text", "area"), "<b>&quot;", "onerror=alert(1)>"] {
        assert!(!html.contains(raw), "{name} lets {raw} through");
    }
    assert!(html.contains("&lt;img src=x onerror=alert(1)&gt;"), "{name} shows the text itself");
    assert!(!html.contains(" style=\""), "{name} has an inline style, which the policy refuses");
    assert!(!html.contains(" onclick"), "{name} has an inline handler");
    assert!(!html.contains(concat!("<text", "area")), "{name} has a text area, whose content is not escaped here");
}

#[test]
fn hostile_text_is_shown_and_never_obeyed() {
    let clock = Clock { zone: chrono_tz::Europe::London, now: sample::NOW };

    let mut page = sample::today(false);
    for row in &mut page.problems {
        [&mut row.id, &mut row.title, &mut row.why, &mut row.waits].into_iter().for_each(spoil);
        row.owner = Some((hostile(), sample::NOW));
        row.money = Some((truecount::domain::money::Minor(1), hostile()));
        row.actions.iter_mut().for_each(|a| {
            spoil(&mut a.label);
            spoil(&mut a.href);
        });
    }
    page.fixed.iter_mut().for_each(|f| spoil(&mut f.1));
    page.stores.iter_mut().for_each(|s| spoil(&mut s.0));
    check("today", || today::view(&page, "", &sample::actor(Role::Admin), &clock, &hostile()));

    let mut list = sample::stock();
    list.places = vec![(hostile(), hostile()), (hostile(), hostile())];
    for row in &mut list.rows {
        row.variant = row.loose.is_none().then(hostile);
        if let Some(loose) = &mut row.loose {
            (loose.connection, loose.has_namesakes) = (hostile(), true);
        }
        [&mut row.item, &mut row.sku, &mut row.place, &mut row.cause.1].into_iter().for_each(spoil);
    }
    let query = StockQuery { search: hostile(), place: Some(hostile()), page: 1, ..StockQuery::default() };
    check("stock", || stock::view(&list, &query, Role::Admin));
    list.rows.clear();
    check("stock without rows", || stock::view(&list, &query, Role::Admin));

    let mut one = sample::sku();
    [&mut one.variant, &mut one.item, &mut one.sku].into_iter().for_each(spoil);
    one.barcode = Some(hostile());
    one.links = vec![(hostile(), hostile(), hostile())];
    for place in &mut one.places {
        [&mut place.place, &mut place.name, &mut place.if_nothing].into_iter().for_each(spoil);
        place.outlets.iter_mut().for_each(|o| spoil(&mut o.0));
        place.orders.iter_mut().for_each(|o| spoil(&mut o.0));
        place.holds.iter_mut().for_each(|h| spoil(&mut h.0));
        for line in &mut place.why {
            [&mut line.cause, &mut line.detail].into_iter().for_each(spoil);
            line.evidence = Some(hostile());
        }
        for step in &mut place.steps {
            [&mut step.place, &mut step.what, &mut step.short].into_iter().for_each(spoil);
            step.evidence = Some(hostile());
        }
        if let Some(push) = &mut place.push {
            spoil(&mut push.state);
            push.reason = Some(hostile());
        }
    }
    check("sku", || sku::view(&one, "", true, &clock));

    let mut all = sample::connections();
    for card in &mut all.cards {
        [&mut card.id, &mut card.title, &mut card.vendor, &mut card.health.1, &mut card.notice_url]
            .into_iter()
            .for_each(spoil);
        card.health.2 = Some(hostile());
        card.allowance = Some((7, hostile()));
        card.key_hint = Some(hostile());
    }
    for place in &mut all.places {
        [&mut place.id, &mut place.name, &mut place.connection].into_iter().for_each(spoil);
        place.outlets = vec![(hostile(), hostile())];
    }
    all.unmapped_outlets = vec![(hostile(), hostile())];
    all.refused.iter_mut().for_each(|r| {
        spoil(&mut r.connection);
        spoil(&mut r.reason);
    });
    all.parked.iter_mut().for_each(|p| {
        [&mut p.id, &mut p.connection, &mut p.what, &mut p.reason].into_iter().for_each(spoil);
    });
    check("connections", || connections::view(&all, Role::Admin, &clock));

    let mut preview = sample::go_live();
    [&mut preview.place, &mut preview.name].into_iter().for_each(spoil);
    preview.blocked = Some(hostile());
    preview.writes.iter_mut().for_each(|w| {
        [&mut w.variant, &mut w.item, &mut w.sku].into_iter().for_each(spoil);
    });
    check("go live", || go_live::view(&preview, &clock));

    let mut preview = sample::remap();
    [&mut preview.outlet, &mut preview.name].into_iter().for_each(spoil);
    (preview.from, preview.to) = (Some((hostile(), hostile())), Some((hostile(), hostile())));
    preview.stops = vec![hostile()];
    preview.lines.iter_mut().for_each(|line| {
        [&mut line.variant, &mut line.item, &mut line.sku, &mut line.place].into_iter().for_each(spoil);
    });
    check("remap", || map_outlet::view(&preview));

    let mut shown = sample::mapping();
    for topic in &mut shown.topics {
        topic.till.0 = Known::Refused(hostile());
        topic.options = vec![(hostile(), hostile())];
        for line in &mut topic.lines {
            let web = &mut line.line.web;
            [&mut web.code, &mut web.name, &mut web.within, &mut line.chosen].into_iter().for_each(spoil);
            line.could_be.iter_mut().for_each(spoil);
            line.before = Some((hostile(), hostile(), sample::NOW));
        }
    }
    shown.pair.iter_mut().chain(&mut shown.pairs).for_each(|pair| {
        [&mut pair.shop, &mut pair.till, &mut pair.names.0, &mut pair.names.1].into_iter().for_each(spoil);
    });
    for role in [Role::Admin, Role::ReadOnly] {
        check("mapping", || mapping::view(&shown, role, &clock));
    }
    let mut preview = sample::mapping_preview();
    preview.lines.iter_mut().for_each(|line| {
        [&mut line.chosen.web, &mut line.name, &mut line.before, &mut line.after].into_iter().for_each(spoil);
    });
    check("mapping preview", || mapping_preview::view(&preview));

    let mut raw = sample::evidence();
    [&mut raw.title, &mut raw.connection].into_iter().for_each(spoil);
    raw.facts = vec![(hostile(), hostile())];
    raw.raw = vec![(hostile(), hostile())];
    if let Some(of) = &mut raw.about {
        [&mut of.item, &mut of.sku, &mut of.place, &mut of.href].into_iter().for_each(spoil);
        of.lines = vec![(hostile(), hostile(), None)];
    }
    check("evidence", || evidence::view(&raw, &clock));

    let found = sample::found(hostile);
    check("search", || search::view(&hostile(), &[found]));
    check("search without results", || search::view(&hostile(), &[]));
    check("add a connection", || {
        connection_new::form(System::Magento, &connection_new::Typed::default(), &[hostile()])
    });
    check("which system", || connection_new::systems(Some(hostile())));
    let trouble = error::trouble(&OperatorError::Conflict(hostile()), "Operations", &hostile(), Some(hostile()));
    check("error", || error::inside(trouble));
    let view = login::LoginView { name: hostile(), error: Some(hostile()), ..Default::default() };
    check("log in", || login::log_in(view, &hostile()));
    let view = login::SetupView {
        name: hostile(),
        code: hostile(),
        errors: vec![("", hostile()), ("code", hostile()), ("name", hostile()), ("password", hostile())],
    };
    check("set up", || login::set_up(view, &hostile()));
}

#[tokio::test]
async fn what_nobody_sees_is_spelled_out_on_every_page_that_is_sent() {
    let mut list = sample::stock();
    for row in &mut list.rows {
        [&mut row.item, &mut row.sku, &mut row.place, &mut row.cause.1].into_iter().for_each(spoil);
    }
    check_sent("stock", || stock::view(&list, &StockQuery::default(), Role::Admin)).await;
    check_sent("search", || search::view("x", &[sample::found(hostile)])).await;
    let mut raw = sample::evidence();
    raw.raw = vec![(hostile(), hostile())];
    let clock = Clock { zone: chrono_tz::Europe::London, now: sample::NOW };
    check_sent("evidence", || evidence::view(&raw, &clock)).await;
    let view = login::LoginView { name: hostile(), error: Some(hostile()), ..Default::default() };
    check_sent("log in", || login::log_in(view, &hostile())).await;
}

#[test]
fn what_people_may_not_do_is_not_offered() {
    let clock = Clock { zone: chrono_tz::Europe::London, now: sample::NOW };
    let mut list = sample::connections();
    let operations = |list: &_| html(|| connections::view(list, Role::Operations, &clock));
    assert!(!operations(&list).contains("Go live…"), "nothing feeds the place that is only read");
    for place in &mut list.places {
        place.outlets = vec![("o1".to_owned(), "Main Street".to_owned())];
    }
    assert!(operations(&list).contains("Go live…"));
    let reader = html(|| connections::view(&list, Role::ReadOnly, &clock));
    assert!(!reader.contains("<form"), "a reader is offered no form");
    let mut page = sample::today(false);
    page.problems[0].actions.insert(0, Press::open("Go live…", "/connections/places/p2/go-live", Deed::GoLive));
    for role in Role::ALL {
        let html = html(|| today::view(&page, "", &sample::actor(role), &clock, "/"));
        assert_eq!(html.contains("Go live…"), role.may(Deed::GoLive), "{role:?}");
        assert_eq!(html.contains("/read-again"), role.may(Deed::ReadAgain), "{role:?}");
        assert_eq!(html.contains("Take it"), role.may(Deed::OwnProblems), "{role:?}");
        assert!(html.contains("Open the SKU"), "{role:?} may look");
        let forms = [Deed::ReadAgain, Deed::OwnProblems].into_iter().any(|deed| role.may(deed));
        assert_eq!(html.contains("<form"), forms, "{role:?}");
    }
    assert!(!html(|| stock::view(&sample::stock(), &StockQuery::default(), Role::ReadOnly)).contains("stock.csv"));
}

#[test]
fn only_the_preview_has_a_filled_button_and_it_repeats_verb_and_number() {
    let clock = Clock { zone: chrono_tz::Europe::London, now: sample::NOW };
    let preview = html(|| go_live::view(&sample::go_live(), &clock));
    assert!(preview.contains("Write 3 counts and go live"));
    assert!(preview.contains("name=\"expected_writes\" value=\"3\""));
    let preview = html(|| map_outlet::view(&sample::remap()));
    assert!(preview.contains("Stop writing at Web warehouse and move Soho"), "{preview}");
    assert!(preview.contains("Take Soho from Web warehouse to Outlet sale: 2\u{a0}sums change"), "{preview}");
    for page in [
        html(|| today::view(&sample::today(false), "", &sample::actor(Role::Admin), &clock, "/")),
        html(|| connections::view(&sample::connections(), Role::Admin, &clock)),
        html(|| connection_new::form(System::LightspeedR, &connection_new::Typed::default(), &[])),
        html(|| sku::view(&sample::sku(), "", false, &clock)),
    ] {
        assert!(!page.contains("button--writes"));
    }
}
