//! Pairs that must come out alike, and pairs that must not.

use super::*;

/// From here on two texts may be called the same, as the reference says.
const LINE: i64 = 85;

fn hundredths(likeness: Option<Decimal>) -> i64 {
    let likeness = likeness.expect("both hold letters") * Decimal::ONE_HUNDRED;
    i64::try_from(likeness).expect("at most a hundred")
}

fn check(of: fn(&str, &str) -> Option<Decimal>, alike: &[(&str, &str)], apart: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (pairs, is_alike) in [(alike, true), (apart, false)] {
        for (left, right) in pairs {
            let likeness = hundredths(of(left, right));
            assert_eq!(of(right, left), of(left, right), "{left} {right}");
            if (likeness >= LINE) != is_alike {
                wrong.push(format!("{left} / {right}: {likeness}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn names_that_are_the_same_are_alike_and_others_are_not() {
    let alike = [
        ("John Smith", "john smith"),
        ("John Smith", "Smith, John"),
        ("SMITH John Paul", "John Paul Smith"),
        ("John Smith", "Mr. John Smith"),
        ("John Smith", "Dr John Smith"),
        ("John Smith", "J. Smith"),
        ("John Paul Smith", "John P. Smith"),
        ("John Paul Smith", "John Smith"),
        ("José Álvarez", "Jose Alvarez"),
        ("Müller, Jürgen", "Jurgen Muller"),
        ("Jürgen Müller", "Juergen Mueller"),
        ("Björn Åkesson", "Bjorn Akesson"),
        ("Søren Kierkegård", "Soren Kierkegard"),
        ("Sean O'Brien", "Sean OBrien"),
        ("Jean-Pierre Dupont", "Jean Pierre Dupont"),
        ("Juan de la Cruz", "Juan Delacruz"),
        ("Vincent van Gogh", "Vincent Gogh"),
        ("Ludwig von Mises", "Mises, Ludwig von"),
        ("Jonathan Smith", "Jonathon Smith"),
        ("Martha Jones", "Marhta Jones"),
        ("Иван Петров", "Ivan Petrov"),
        ("Γιώργος Παπαδόπουλος", "Giorgos Papadopoulos"),
        ("王伟", "Wang Wei"),
        ("王伟", "Wei Wang"),
        ("王伟", "WANG, Wei"),
        ("王伟", "Wáng Wěi"),
        ("王伟", "Wang2 Wei3"),
        ("王小明", "Wang Xiaoming"),
        ("王小明", "Xiaoming Wang"),
        ("王小明", "Wang Xiao-Ming"),
        ("Xiao Ming Wang", "Wang Xiaoming"),
        ("欧阳锋", "Ouyang Feng"),
        ("欧阳锋", "Feng Ouyang"),
        ("曾志伟", "Zeng Zhiwei"),
        ("单田芳", "Shan Tianfang"),
        ("吕布", "Lyu Bu"),
        ("吕布", "Lü Bu"),
        ("張偉", "张伟"),
        ("张伟先生", "张伟"),
        ("张伟 (Zhang Wei)", "Zhang Wei"),
        ("Acme Trading Ltd", "ACME Trading Limited"),
    ];
    let apart = [
        ("John Smith", "Jane Smith"),
        ("John Smith", "John Schmidt"),
        ("John Smith", "Mary Jones"),
        ("John Smith", "Smith"),
        ("Anna Berg", "Berta Berg"),
        ("J. Smith", "K. Smith"),
        ("Peter Svensson", "Petra Nilsson"),
        ("Li Na", "Li Ming"),
        ("王伟", "Wang Wen"),
        ("王伟", "Li Wei"),
        ("王伟", "李伟"),
        ("王伟", "王小伟"),
        ("张三", "李四"),
        ("欧阳锋", "Feng Yang"),
        ("Mohammed Al Sayed", "Ahmed Al Sayed"),
        ("Acme Trading Ltd", "Apex Holding Ltd"),
    ];
    assert!(alike.len() + apart.len() >= 40);
    check(names, &alike, &apart);
}

#[test]
fn addresses_that_are_the_same_are_alike_and_others_are_not() {
    let alike = [
        ("12 Main Street", "12 Main St."),
        ("12 Main St", "Main Street 12"),
        ("12 Main St Apt 4", "12 Main Street #4"),
        ("12 Main St, Springfield", "12 Main Street, Springfield 62701"),
        ("Hauptstraße 5, 10115 Berlin", "Hauptstrasse 5, Berlin 10115"),
        ("Storgatan 3B, Malmö", "STORGATAN 3B MALMO"),
        ("221b Baker Street", "221B Baker St"),
        ("100 Nanjing Road, Shanghai", "上海市南京路100号"),
        ("上海市南京路100号", "上海 南京路 100"),
        ("Room 502, 88 Fuxing Lu", "复兴路88号502室"),
        ("Unit 3, 45 N Park Ave", "45 North Park Avenue Flat 3"),
    ];
    let apart = [
        ("12 Main Street", "14 Main Street"),
        ("12 Main Street", "12 High Road"),
        ("12 Main Street", "21 Main Street"),
        ("12 Main St Apt 4", "12 Main St Apt 5"),
        ("12 Main Street", "Main Street"),
        ("100 Nanjing Road, Shanghai", "上海市北京路100号"),
        ("上海市南京路100号", "上海市南京路10号"),
        ("Storgatan 3, Malmö", "Storgatan 3, Lund"),
    ];
    check(addresses, &alike, &apart);
}

#[test]
fn likeness_has_two_places_and_nothing_is_like_nothing() {
    assert_eq!(names("John Smith", "SMITH JOHN").map(|it| it.to_string()).as_deref(), Some("1.00"));
    for (left, right) in [("", "a"), ("a", " . "), ("", "")] {
        assert_eq!(names(left, right), None);
        assert_eq!(addresses(left, right), None);
    }
    assert_eq!(names("Mr", "Mr").map(|it| it.to_string()).as_deref(), Some("1.00"));
    let long = "Aa ".repeat(10_000);
    assert!(names(&long, &long).is_some());
}
