//! A rule in parts, as written, and the files beside it.

use std::fmt::Write;

/// A rule in parts, each as written.
pub struct Draft {
    pub entity: &'static str,
    pub filter: Option<String>,
    pub params: Vec<(String, Param)>,
    pub lets: Vec<(String, String)>,
    pub when: String,
    pub unless: Vec<(String, String)>,
    pub score: String,
    pub message: String,
    pub cooldown: Option<&'static str>,
}

/// A parameter's value as written.
pub enum Param {
    Constant(&'static str),
    Table {
        by: &'static [&'static str],
        rows: Vec<(&'static str, &'static str)>,
        default: Option<&'static str>,
    },
}

/// The files beside the rule.
pub const FILES: &[(&str, &str)] = &[
    (
        "schema.yaml",
        "institution: { zone: Europe/Berlin, base_currency: EUR }\n\
         fields:\n\
         \x20 tx.extra.flag: { type: bool, doc: \"A truth.\" }\n\
         \x20 tx.extra.tier: { type: text, values: [gold, tin], doc: \"A word.\" }\n\
         \x20 tx.extra.points: { type: number, doc: \"A number.\" }\n\
         \x20 tx.extra.moment: { type: time, doc: \"A time.\" }\n\
         \x20 tx.extra.pause: { type: duration, doc: \"A length.\" }\n",
    ),
    (
        "lists/watch.csv",
        "value,valid_from,valid_to,level,limit:number,flag:bool,since:time,grace:duration\n\
         SE,,2026-03-28,low,5000,true,2026-01-01,1d\n\
         SE,2026-03-28,,mid,,,,\n\
         IR,2026-03-27T21:10:00Z,,high,0,false,2020-02-29,36h\n\
         X1,,,high,-12.5,true,,90s\n\
         gift,,2026-04-01,low,0.333,,2026-03-29T01:30:00Z,\n",
    ),
    (
        "lists/fx_rates.csv",
        "value,valid_from,valid_to,rate:number\n\
         USD,,2026-03-29,0.85\n\
         USD,2026-03-29,2026-05-01,0.8601\n\
         JPY,2026-03-28,,0.0061\n",
    ),
];

impl Draft {
    /// The rule file.
    pub fn yaml(&self) -> String {
        let mut text = "lang: 1\nrule: asks\ntitle: Asks\nabout: All.\nseverity: low\n\
                        trigger: transaction\n"
            .to_owned();
        let _ = writeln!(text, "entity: {}", self.entity);
        if let Some(filter) = &self.filter {
            let _ = writeln!(text, "where: |\n  {filter}");
        }
        text.push_str("params:\n");
        for (name, param) in &self.params {
            match param {
                Param::Constant(value) => {
                    let _ = writeln!(text, "  {name}: {value}");
                }
                Param::Table { by, rows, default } => {
                    let rows: Vec<String> =
                        rows.iter().map(|(row, value)| format!("\"{row}\": {value}")).collect();
                    let _ = write!(text, "  {name}: {{ by: [{}], ", by.join(", "));
                    let _ = write!(text, "values: {{ {} }}", rows.join(", "));
                    let default = default.map(|it| format!(", default: {it}")).unwrap_or_default();
                    let _ = writeln!(text, "{default} }}");
                }
            }
        }
        text.push_str("let:\n");
        for (name, expression) in &self.lets {
            let _ = writeln!(text, "  {name}: |\n    {expression}");
        }
        let _ = writeln!(text, "when: |\n  {}", self.when);
        if !self.unless.is_empty() {
            text.push_str("unless:\n");
        }
        for (name, expression) in &self.unless {
            let _ = writeln!(text, "  - {name}: |\n      {expression}");
        }
        let _ = writeln!(text, "alert:\n  score: |\n    {}", self.score);
        let _ = writeln!(text, "  message: \"{}\"", self.message);
        if let Some(cooldown) = self.cooldown {
            let _ = writeln!(text, "  cooldown: {cooldown}");
        }
        text
    }
}
