//! Reads nginx's language as nginx does: words, quotes, blocks, comments
//! (<https://nginx.org/en/docs/dev/development_guide.html#conf>). It shares nothing with what
//! writes it.

/// `words… ;` or `words… { … }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    pub words: Vec<String>,
    pub block: Option<Vec<Directive>>,
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    End,
    Open,
    Close,
}

/// The directives of a file; none when nginx would not read it.
pub fn read(text: &str) -> Option<Vec<Directive>> {
    let mut tokens = tokens(text)?.into_iter();
    let directives = block(&mut tokens, true)?;
    Some(directives)
}

fn block(tokens: &mut impl Iterator<Item = Token>, top: bool) -> Option<Vec<Directive>> {
    let (mut directives, mut words) = (Vec::new(), Vec::new());
    loop {
        match tokens.next() {
            Some(Token::Word(word)) => words.push(word),
            Some(Token::End) if !words.is_empty() => directives.push(Directive {
                words: std::mem::take(&mut words),
                block: None,
            }),
            Some(Token::Open) if !words.is_empty() => directives.push(Directive {
                words: std::mem::take(&mut words),
                block: Some(block(tokens, false)?),
            }),
            Some(Token::Close) if words.is_empty() && !top => return Some(directives),
            None if words.is_empty() && top => return Some(directives),
            _ => return None,
        }
    }
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let (mut found, mut chars) = (Vec::new(), text.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => {}
            '#' => while chars.next_if(|c| *c != '\n').is_some() {},
            ';' => found.push(Token::End),
            '{' => found.push(Token::Open),
            '}' => found.push(Token::Close),
            '"' | '\'' => {
                let mut word = String::new();
                loop {
                    match chars.next()? {
                        end if end == c => break,
                        '\\' => word.push(chars.next()?),
                        other => word.push(other),
                    }
                }
                found.push(Token::Word(word));
            }
            first => {
                let mut word = String::from(first);
                while let Some(next) = chars.next_if(|c| !" \t\r\n;{".contains(*c)) {
                    word.push(next);
                }
                found.push(Token::Word(word));
            }
        }
    }
    Some(found)
}

/// Every directive of a name, however deep.
pub fn all<'a>(directives: &'a [Directive], name: &str) -> Vec<&'a Directive> {
    let mut found = Vec::new();
    for directive in directives {
        if directive.words.first().is_some_and(|word| word == name) {
            found.push(directive);
        }
        found.extend(all(directive.block.as_deref().unwrap_or_default(), name));
    }
    found
}

/// The words after the name of each directive of a name.
pub fn values(directives: &[Directive], name: &str) -> Vec<String> {
    let join = |directive: &&Directive| directive.words.get(1..).unwrap_or_default().join(" ");
    all(directives, name).iter().map(join).collect()
}

#[test]
fn reader_parses_like_nginx() {
    let read = read("a b; # c;\nd { e \"f ;\" 'g\\''; }").unwrap();
    assert_eq!(values(&read, "a"), ["b"]);
    assert_eq!(all(&read, "e")[0].words, ["e", "f ;", "g'"]);
    assert_eq!(super::reader::read("a b"), None);
    assert_eq!(super::reader::read("a { b;"), None);
}
