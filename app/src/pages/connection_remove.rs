//! Removing a connection that brought nothing: what goes, what does not, and the button.

use super::frame::{Asked, Page};
use super::go_live::check;
use super::problems::answer;
use crate::ui::badge::Sign;
use crate::ui::button::{self, Kind};
use crate::ui::layout::{Entry, crumbs, page_head};
use axum::extract::Path;
use axum::response::Response;
use leptos::prelude::*;
use truecount::operator::add_connection::{self, Removal};
use truecount::operator::encoded;

/// `GET /connections/{id}/remove`
pub async fn show(asked: Asked, Path(id): Path<String>) -> Response {
    match add_connection::preview_removal(&asked.engine, &asked.actor, &id).await {
        Ok(removal) => {
            let page = Page::new("Remove a connection", Some(Entry::Connections), None);
            asked.page(page, move |_| view(&id, &removal)).await
        }
        Err(why) => asked.refused(why).await,
    }
}

/// `POST /connections/{id}/remove`
pub async fn remove(asked: Asked, Path(id): Path<String>) -> Response {
    let done = asked.run(|engine, actor| async move { add_connection::remove(&engine, &actor, &id).await }).await;
    answer(asked, done, "Removed.", "Its name and its address are free again.", "/connections").await
}

/// The page, without its frame.
pub fn view(id: &str, removal: &Removal) -> AnyView {
    let title = format!("Remove {}", removal.name);
    let crumbs = crumbs(&[("/connections", "Connections")], &title);
    if let Some(why) = &removal.stays {
        return view! {
            {crumbs}
            {page_head(&format!("{} stays", removal.name), view! { {why.clone()} }.into_any(), None)}
            <div class="card trouble">
                <p>"Only a connection that brought nothing can be removed."</p>
                <div class="buttons">{button::link(Kind::Recommended, "/connections", "Back to Connections")}</div>
            </div>
        }
        .into_any();
    }
    view! {
        {crumbs}
        {page_head(&title, view! { "Nothing was ever read from it, so no count rests on it." }.into_any(), None)}
        <form class="card preview" method="post" action=format!("/connections/{}/remove", encoded(id))>
            <ul class="checks">
                {check(Sign::Waiting, &format!("We no longer call {}, and its address for notices is gone.", removal.base_url))}
                {check(Sign::Waiting, "Its name and its address can be used again.")}
                {check(Sign::Soon, "Its keys are deleted here, which cannot be undone. At the vendor they stay valid until somebody revokes them there.")}
            </ul>
            <div class="preview__foot">
                <p>"No till and no shop is called for this."</p>
                {button::link(Kind::Other, "/connections", "Cancel")}
                {button::submit(Kind::Writes, &title)}
            </div>
        </form>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_brought_something_has_no_button_and_says_why() {
        let html = |removal: &Removal| Owner::new().with(|| view("c1", removal).to_html());
        let mut removal =
            Removal { name: "Soho".into(), base_url: "https://soho.retail.lightspeed.app".into(), stays: None };
        let shown = html(&removal);
        assert!(shown.contains("/connections/c1/remove") && shown.contains("button--writes"), "{shown}");
        assert!(shown.contains("https://soho.retail.lightspeed.app"), "{shown}");
        removal.stays = Some("Something was read from it.".into());
        let shown = html(&removal);
        assert!(shown.contains("Something was read from it.") && !shown.contains("<form"), "{shown}");
    }
}
