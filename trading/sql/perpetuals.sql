-- What an hourly comparison of funding found stays, like every other report.
CREATE TRIGGER funding_reports_append_only BEFORE UPDATE OR DELETE ON funding_reports
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER funding_reports_no_truncate BEFORE TRUNCATE ON funding_reports
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
