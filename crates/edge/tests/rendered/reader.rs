//! A parser for the nginx configuration syntax: words, quotes, blocks, comments
//! (<https://nginx.org/en/docs/dev/development_guide.html#conf>). It must not share code with the
//! renderer.

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

/// Parses the directives of a file; none if the syntax is invalid.
pub fn parse_file(text: &str) -> Option<Vec<Directive>> {
    let mut tokens = tokenize(text)?.into_iter();
    parse_block(&mut tokens, true)
}

fn parse_block(tokens: &mut impl Iterator<Item = Token>, top: bool) -> Option<Vec<Directive>> {
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
                block: Some(parse_block(tokens, false)?),
            }),
            Some(Token::Close) if words.is_empty() && !top => return Some(directives),
            None if words.is_empty() && top => return Some(directives),
            _ => return None,
        }
    }
}

fn tokenize(text: &str) -> Option<Vec<Token>> {
    let (mut tokens, mut chars) = (Vec::new(), text.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => {}
            '#' => while chars.next_if(|c| *c != '\n').is_some() {},
            ';' => tokens.push(Token::End),
            '{' => tokens.push(Token::Open),
            '}' => tokens.push(Token::Close),
            '"' | '\'' => {
                let mut word = String::new();
                loop {
                    match chars.next()? {
                        end if end == c => break,
                        '\\' => word.push(chars.next()?),
                        next => word.push(next),
                    }
                }
                tokens.push(Token::Word(word));
            }
            first => {
                let mut word = String::from(first);
                while let Some(next) = chars.next_if(|c| !" \t\r\n;{".contains(*c)) {
                    word.push(next);
                }
                tokens.push(Token::Word(word));
            }
        }
    }
    Some(tokens)
}

/// All directives with this name, including nested ones.
pub fn find_all<'a>(directives: &'a [Directive], name: &str) -> Vec<&'a Directive> {
    let mut found = Vec::new();
    for directive in directives {
        if directive.words.first().is_some_and(|word| word == name) {
            found.push(directive);
        }
        found.extend(find_all(
            directive.block.as_deref().unwrap_or_default(),
            name,
        ));
    }
    found
}

/// The arguments of all directives with this name, joined by spaces.
pub fn values(directives: &[Directive], name: &str) -> Vec<String> {
    let join = |directive: &&Directive| directive.words.get(1..).unwrap_or_default().join(" ");
    find_all(directives, name).iter().map(join).collect()
}

#[test]
fn parser_handles_quotes_blocks_and_comments() {
    let directives = parse_file("a b; # c;\nd { e \"f ;\" 'g\\''; }").unwrap();
    assert_eq!(values(&directives, "a"), ["b"]);
    assert_eq!(find_all(&directives, "e")[0].words, ["e", "f ;", "g'"]);
    assert_eq!(parse_file("a b"), None);
    assert_eq!(parse_file("a { b;"), None);
}
