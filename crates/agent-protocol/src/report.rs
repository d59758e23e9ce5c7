//! The report on an applied configuration. Its types are in `model`, because pages show reports and
//! the database stores them.

pub use model::hosts::{
    ApplyOutcome, ConfigPart, FailedProbe, ProbedComponent, QuarantinedPart, Report,
    UnservableCertificate,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_has_stable_json() {
        let report = Report {
            generation: 3,
            outcome: ApplyOutcome::Refused {
                message: "no".to_owned(),
            },
            quarantined: vec![QuarantinedPart {
                part: ConfigPart::Service(model::ServiceId(7)),
                message: "bad".to_owned(),
            }],
            failed_probes: vec![FailedProbe {
                name: "wiki.example.org".to_owned(),
                service: None,
                component: ProbedComponent::Container,
                message: "timeout".to_owned(),
            }],
            unservable_certificates: Vec::new(),
        };
        let expected = r#"{"generation":3,"outcome":{"refused":{"message":"no"}},"quarantined":[{"part":{"service":7},"message":"bad"}],"failed_probes":[{"name":"wiki.example.org","service":null,"component":"container","message":"timeout"}],"unservable_certificates":[]}"#;
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
        let short = r#"{"generation":3,"outcome":"live"}"#;
        let report: Report = serde_json::from_str(short).unwrap();
        assert_eq!(report.outcome, ApplyOutcome::Live);
    }
}
