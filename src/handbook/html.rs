//! The page as HTML: one file with everything in it, for the screen and for paper.
//!
//! Nothing is fetched, and there are no scripts. All text is escaped by the template. Colors follow the
//! reader's choice of light or dark; paper is always light, with each rule on a page of its own.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::document::{Block, Chapter, Document, Section, Table, Text, paragraphs};

/// How the page looks.
const STYLE: &str = include_str!("handbook.css");

/// The whole page.
#[must_use]
pub fn html(document: &Document) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (document.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                header {
                    h1 { (document.title) }
                    p.subtitle { (document.subtitle) }
                }
                nav aria-label="Contents" { (contents(document)) }
                main id="content" {
                    @for section in &document.front { (front_section(section)) }
                    @for part in &document.parts {
                        @for (place, chapter) in part.chapters.iter().enumerate() {
                            (chapter_markup(chapter, (place == 0).then_some(part.title.as_str())))
                        }
                    }
                }
            }
        }
    };
    page.into_string() + "\n"
}

fn contents(document: &Document) -> Markup {
    html! {
        h2 { "Contents" }
        ul {
            @for section in &document.front {
                li { a href={ "#" (section.id.as_deref().unwrap_or_default()) } { (section.title) } }
            }
        }
        @for part in &document.parts {
            h3 { (part.title) }
            ul {
                @for chapter in &part.chapters {
                    li { a href={ "#" (chapter.id) } title=(chapter.title) { (chapter.name) } }
                }
            }
        }
    }
}

fn front_section(section: &Section) -> Markup {
    html! {
        section.front id=[section.id.as_deref()] {
            h2 { (section.title) }
            @for block in &section.blocks { (block_markup(block)) }
        }
    }
}

fn chapter_markup(chapter: &Chapter, part: Option<&str>) -> Markup {
    html! {
        article.rule id=(chapter.id) {
            @if let Some(part) = part { p.part { (part) } }
            h2 { span.name { (chapter.name) } " " span.title { (chapter.title) } }
            p.marks { @for mark in &chapter.marks { span.mark { (mark) } " " } }
            @for section in &chapter.sections {
                section {
                    h3 { (section.title) }
                    @for block in &section.blocks { (block_markup(block)) }
                }
            }
        }
    }
}

fn block_markup(block: &Block) -> Markup {
    html! {
        @match block {
            Block::Prose(text) => { @for paragraph in paragraphs(text) { p { (paragraph) } } }
            Block::Code(text) => { pre { code { (text.trim_end()) } } }
            Block::Items(items) => { ul { @for item in items { li { (text_markup(item)) } } } }
            Block::Facts(facts) => {
                table.facts {
                    tbody {
                        @for (name, value) in facts {
                            tr { th scope="row" { (name) } td { (text_markup(value)) } }
                        }
                    }
                }
            }
            Block::Table(table) => (table_markup(table)),
        }
    }
}

fn table_markup(table: &Table) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label=(table.caption) {
            table.matrix[table.is_matrix] {
                caption { (table.caption) }
                thead {
                    tr { @for head in &table.head { th scope="col" { span { (head) } } } }
                }
                tbody {
                    @for row in &table.rows {
                        tr {
                            @for (place, cell) in row.iter().enumerate() {
                                @if place == 0 { th scope="row" { (text_markup(cell)) } }
                                @else { td { (text_markup(cell)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn text_markup(text: &Text) -> Markup {
    html! {
        @match text {
            Text::Plain(text) => (text),
            Text::Code(text) => { @if !text.is_empty() { code { (text) } } }
            Text::Lines(lines) => { @for line in lines { div { (text_markup(line)) } } }
            Text::Link { text, to } => { a href={ "#" (to) } { (text) } }
        }
    }
}
