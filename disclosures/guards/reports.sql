-- A published report stays as it was published: one for each period that is over, of the text whose hash it carries, told by its event
-- in the same transaction. What becomes known later is a restatement besides.
CREATE FUNCTION governance.guard_public_reports() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    body jsonb;
    ended timestamptz := (NEW.period_end + 1)::timestamp AT TIME ZONE 'Indian/Maldives';
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM governance.refuse('a published report is never changed or deleted: what becomes known later is restated');
    END IF;
    -- Weeks run from Sunday to Saturday.
    IF NEW.kind NOT IN ('daily', 'weekly')
       OR NEW.period_end - NEW.period_start <> (CASE NEW.kind WHEN 'daily' THEN 0 ELSE 6 END)
       OR (NEW.kind = 'weekly' AND extract(dow FROM NEW.period_start) <> 0) THEN
        PERFORM governance.refuse('a report is of a day, or of a week from Sunday to Saturday');
    END IF;
    IF ended > governance.now() OR NEW.made_at < ended OR NEW.made_at > governance.now() + interval '1 minute' THEN
        PERFORM governance.refuse('a report is made after its period, and at its own time');
    END IF;
    IF NEW.sha256 IS DISTINCT FROM encode(sha256(convert_to(NEW.content, 'UTF8')), 'hex') THEN
        PERFORM governance.refuse('the hash of the report is of another text');
    END IF;
    IF NEW.publication_version IS DISTINCT FROM (SELECT max(version) FROM publication_policies) THEN
        PERFORM governance.refuse('a report follows the publication policy in force');
    END IF;
    body := NEW.content::jsonb;
    IF (body ->> 'kind', body ->> 'first_day', body ->> 'last_day', body -> 'publication' ->> 'version')
       IS DISTINCT FROM (NEW.kind::text, to_char(NEW.period_start, 'YYYY-MM-DD'), to_char(NEW.period_end, 'YYYY-MM-DD'), NEW.publication_version::text) THEN
        PERFORM governance.refuse('the text of the report is about something else');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER public_reports_guard BEFORE INSERT OR UPDATE OR DELETE ON public_reports
    FOR EACH ROW EXECUTE FUNCTION governance.guard_public_reports();
CREATE TRIGGER public_reports_stays BEFORE TRUNCATE ON public_reports
    FOR EACH STATEMENT EXECUTE FUNCTION governance.refuse_change();

CREATE FUNCTION governance.report_is_told() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM events WHERE aggregate = format('report:%s:%s', NEW.kind, to_char(NEW.period_start, 'YYYY-MM-DD'))
                   AND type = 'report.published' AND payload ->> 'sha256' = NEW.sha256) THEN
        PERFORM governance.refuse('a report is published with its event');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER public_report_is_told AFTER INSERT ON public_reports
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION governance.report_is_told();
