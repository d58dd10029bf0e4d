//! Emergencies: declared, reported upwards, ended, and what was collected destroyed.

use anyhow::Result;
use chassis::access::Role;
use chrono::TimeDelta;
use linju_proto::incidents::v1::{
    self, EmergencyKind, EmergencyLevel, EmergencyReportType, emergency_service_client::EmergencyServiceClient,
};
use tonic::Status;

use crate::ground::{Gated, Ground, Person, SUBDISTRICT, WORDS, clerk, dispatcher, morning, reason, resident};

fn manager() -> Person {
    Person::new("u-manager", Role::SubdistrictManager, SUBDISTRICT)
}

fn stranger() -> Person {
    Person::new("u-stranger", Role::SubdistrictManager, "511903002")
}

fn said(text: &str) -> v1::EmergencyReportContents {
    let at = morning().timestamp() - 600;
    v1::EmergencyReportContents {
        source: "网格员电话".to_owned(),
        occurred_at: Some(prost_types::Timestamp { seconds: at, nanos: 0 }),
        place: "白玉小区3栋".to_owned(),
        dead: Some(0),
        injured: Some(1),
        missing: None,
        loss_fen: Some(250_000),
        course: text.to_owned(),
        trend: "火势已控制".to_owned(),
        measures: "疏散、送医".to_owned(),
        cause: "电动车充电".to_owned(),
    }
}

impl Ground {
    fn emergencies(&self) -> EmergencyServiceClient<Gated> {
        EmergencyServiceClient::new(self.gated.clone())
    }

    async fn declare(
        &self,
        who: &Person,
        incident: &str,
        kind: EmergencyKind,
        level: EmergencyLevel,
    ) -> Result<v1::Emergency, Status> {
        let request =
            v1::DeclareEmergencyRequest { incident_id: incident.to_owned(), kind: kind.into(), level: level.into() };
        let request = self.of(who, request).map_err(|e| Status::internal(e.to_string()))?;
        Ok(self.emergencies().declare_emergency(request).await?.into_inner())
    }

    async fn file(
        &self,
        id: &str,
        kind: EmergencyReportType,
        contents: v1::EmergencyReportContents,
    ) -> Result<v1::EmergencyReport, Status> {
        let request =
            v1::FileEmergencyReportRequest { id: id.to_owned(), r#type: kind.into(), contents: Some(contents) };
        let request = self.of(&dispatcher(), request).map_err(|e| Status::internal(e.to_string()))?;
        Ok(self.emergencies().file_emergency_report(request).await?.into_inner())
    }

    async fn emergency(&self, who: &Person, id: &str) -> Result<v1::Emergency, Status> {
        let request = self.of(who, v1::GetEmergencyRequest { id: id.to_owned() });
        let request = request.map_err(|e| Status::internal(e.to_string()))?;
        Ok(self.emergencies().get_emergency(request).await?.into_inner())
    }

    async fn end(&self, id: &str) -> Result<v1::Emergency, Status> {
        let request = self.of(&manager(), v1::EndEmergencyRequest { id: id.to_owned(), etag: String::new() });
        let request = request.map_err(|e| Status::internal(e.to_string()))?;
        Ok(self.emergencies().end_emergency(request).await?.into_inner())
    }

    async fn reports(&self, who: &Person, id: &str) -> Result<Vec<v1::EmergencyReport>, Status> {
        let request = self.of(who, v1::ListEmergencyReportsRequest { id: id.to_owned() });
        let request = request.map_err(|e| Status::internal(e.to_string()))?;
        Ok(self.emergencies().list_emergency_reports(request).await?.into_inner().reports)
    }
}

fn due(emergency: &v1::Emergency) -> Vec<(EmergencyReportType, bool)> {
    emergency.due.iter().map(|due| (due.r#type(), due.overdue)).collect()
}

#[tokio::test]
async fn from_the_declaration_to_the_final_report() -> Result<()> {
    use EmergencyReportType::{Final, First, FollowUp, Phone};
    for ground in Ground::both().await? {
        let incident = ground.report(&resident()).await?;
        let (kind, level) = (EmergencyKind::Accident, EmergencyLevel::General);
        let emergency = ground.declare(&dispatcher(), &incident.id, kind, level).await?;
        assert_eq!(due(&emergency), [(Phone, false), (First, false)]);
        let again = ground.declare(&dispatcher(), &incident.id, kind, level).await;
        assert_eq!(reason(again), "AlreadyExists EMERGENCY_DECLARED");

        ground.clock.advance(TimeDelta::minutes(31));
        assert_eq!(ground.fire_due().await?, 1, "the phone report is overdue");
        assert_eq!(due(&ground.emergency(&manager(), &emergency.id).await?), [(Phone, true), (First, false)]);
        ground.clock.advance(TimeDelta::minutes(30));
        assert_eq!(ground.fire_due().await?, 1, "and now the first report");
        assert_eq!(ground.fire_due().await?, 0, "each is told of once");

        let mut half = said("三楼起火");
        half.injured = None;
        let refused = ground.file(&emergency.id, First, half).await;
        assert_eq!(reason(refused), "InvalidArgument PART_MISSING");
        assert!(ground.file(&emergency.id, First, said("三楼起火")).await?.late);
        assert_eq!(due(&ground.emergency(&manager(), &emergency.id).await?), [(FollowUp, false)]);
        let early = ground.file(&emergency.id, Final, said("已扑灭")).await;
        assert_eq!(reason(early), "FailedPrecondition EMERGENCY_GOES_ON");
        assert!(!ground.file(&emergency.id, FollowUp, said("已扑灭")).await?.late);
        let ended = ground.end(&emergency.id).await?;
        assert_eq!((due(&ended), ended.destroy_on.as_str()), (vec![(Final, false)], "2026-12-23"));
        ground.file(&emergency.id, Final, said("已扑灭")).await?;
        assert!(due(&ground.emergency(&manager(), &emergency.id).await?).is_empty());

        let told: Vec<_> = ground.told().await?.into_iter().filter(|line| line.contains("Emergency")).collect();
        assert!(told.iter().all(|line| !line.contains("起火") && !line.contains("白玉")), "{told:?}");
        let overdue = told.iter().filter(|line| line.contains("EmergencyReportOverdue")).count();
        assert_eq!(overdue, 2, "each is told once: {told:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_report_is_masked_without_a_purpose_and_nobody_else_sees_it() -> Result<()> {
    for ground in Ground::both().await? {
        let incident = ground.report(&resident()).await?;
        let kind = EmergencyKind::SocialSecurity;
        let wrong = ground.declare(&dispatcher(), &incident.id, kind, EmergencyLevel::Large).await;
        assert_eq!(reason(wrong), "InvalidArgument LEVEL");
        let emergency = ground.declare(&dispatcher(), &incident.id, kind, EmergencyLevel::Unspecified).await?;
        ground.file(&emergency.id, EmergencyReportType::First, said("有人被困")).await?;
        let masked = ground.reports(&manager(), &emergency.id).await?;
        assert!(masked[0].contents.as_ref().is_some_and(|c| c.course.is_empty() && c.injured == Some(1)));
        let clear = ground.reports(&manager().because("emergency_help"), &emergency.id).await?;
        assert!(clear[0].contents.as_ref().is_some_and(|c| c.course == "有人被困"));
        assert_eq!(reason(ground.emergency(&stranger(), &emergency.id).await), "NotFound NOT_FOUND");
        assert_eq!(reason(ground.emergency(&clerk(), &emergency.id).await), "PermissionDenied ROLE_NOT_ALLOWED");
    }
    Ok(())
}

#[tokio::test]
async fn what_was_collected_is_destroyed_on_its_day() -> Result<()> {
    for ground in Ground::both().await? {
        let incident = ground.report(&resident()).await?;
        ground.steps(&incident).note(&clerk(), "王阿姨电话不通", v1::Visibility::Internal).await?;
        let (kind, level) = (EmergencyKind::NaturalDisaster, EmergencyLevel::Serious);
        let emergency = ground.declare(&dispatcher(), &incident.id, kind, level).await?;
        ground.file(&emergency.id, EmergencyReportType::First, said("河水漫过堤坝")).await?;
        ground.end(&emergency.id).await?;

        // A text goes only where the data of the incident is destroyed.
        assert!(ground.run("UPDATE timeline SET text = NULL WHERE text IS NOT NULL").await.is_err());

        let keep = v1::KeepEmergencyRecordsRequest {
            id: emergency.id.clone(),
            assessment: "保险理赔尚未结案，需要保留当事人联系方式三个月。".to_owned(),
            until: "2027-02-01".to_owned(),
            etag: String::new(),
        };
        ground.emergencies().keep_emergency_records(ground.of(&manager(), keep)?).await?;
        ground.clock.advance(TimeDelta::days(30));
        ground.fire_due().await?;
        assert_eq!(ground.get(&clerk().because("case_handling"), &incident.id).await?.description, WORDS);

        ground.clock.advance(TimeDelta::days(41));
        ground.fire_due().await?;
        let gone = ground.get(&clerk().because("case_handling"), &incident.id).await?;
        assert!(gone.description.is_empty() && gone.reporter.is_none(), "{}", gone.id);
        let entries = ground.timeline(&clerk().because("case_handling"), &incident.id).await?;
        assert!(entries.iter().all(|entry| entry.text.is_empty()));
        let reports = ground.reports(&manager().because("emergency_help"), &emergency.id).await?;
        assert!(reports[0].destroyed && reports[0].contents.is_none());

        let of = v1::GetDestructionCertificateRequest { id: emergency.id.clone() };
        let certificate =
            ground.emergencies().get_destruction_certificate(ground.of(&manager(), of)?).await?.into_inner();
        assert_eq!((certificate.incidents, certificate.timeline_texts, certificate.reports), (1, 1, 1));
        assert!(certificate.line.contains(&emergency.id) && certificate.digest.len() == 64);
    }
    Ok(())
}
