-- Reports of incidents: beside the required documents, every incident has a line of versions of its own, under the same guards. Only
-- what differs is new here; guard_disclosure_versions is documents.sql's, with the two lines that ask for it.

-- The kinds of such lines (disclosures/documents/kinds.py; a test compares).
CREATE FUNCTION governance.is_incident_report(the_kind text) RETURNS boolean LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT the_kind ~ '^incident-20[0-9]{6}-[1-9][0-9]{0,2}$'
$$;

-- A time in the one spelling that is written (disclosures/documents/times.py): by itself, whatever the session's time zone is.
CREATE FUNCTION governance.is_written_time(told text) RETURNS boolean LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT told ~ '^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:00\+00:00$'
$$;

-- A report, and nothing else, says when its incident was and where; not of the future. It holds until a newer version, and nobody
-- is asked to accept it.
CREATE FUNCTION governance.demand_incident(the_kind text, body jsonb, at timestamptz) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    told jsonb := body -> 'incident';
BEGIN
    IF governance.is_incident_report(the_kind) <> (told IS NOT NULL) THEN
        PERFORM governance.refuse('the report of an incident, and nothing else, says when it was and where');
    END IF;
    IF told IS NULL THEN
        RETURN;
    END IF;
    IF NOT (governance.is_written_time(told ->> 'starts_at') IS TRUE
        AND (told -> 'ends_at' = 'null' OR governance.is_written_time(told ->> 'ends_at')) IS TRUE) THEN
        PERFORM governance.refuse('the times of an incident are written in UTC, to the minute');
    END IF;
    IF ((told ->> 'starts_at')::timestamptz <= at
        AND coalesce((told ->> 'ends_at')::timestamptz BETWEEN (told ->> 'starts_at')::timestamptz AND at, told -> 'ends_at' = 'null')
        AND jsonb_typeof(told -> 'markets') = 'array') IS NOT TRUE THEN
        PERFORM governance.refuse('an incident is reported after it began, and its end after it ended');
    END IF;
    IF (body -> 'effective_until' = 'null' AND body -> 'requires_acknowledgement' = 'false') IS NOT TRUE THEN
        PERFORM governance.refuse('a report holds until a newer version takes its place, and nobody is asked to accept it');
    END IF;
END $$;

CREATE OR REPLACE FUNCTION governance.guard_disclosure_versions() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    p proposals;
    body jsonb;
    at timestamptz := governance.now();
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM governance.refuse('a published disclosure is never changed or deleted: a new version supersedes it');
    END IF;
    p := governance.demand_document(NEW.authorised_by, NEW.kind, 'publish');
    body := NEW.content::jsonb;
    IF NEW.sha256 <> encode(sha256(convert_to(NEW.content, 'UTF8')), 'hex') OR p.change ->> 'sha256' IS DISTINCT FROM NEW.sha256
       OR p.change -> 'content' IS DISTINCT FROM body OR body ->> 'kind' IS DISTINCT FROM NEW.kind THEN
        PERFORM governance.refuse(format('proposal %s approved another text', p.id));
    END IF;
    IF NOT NEW.kind = ANY (governance.required_disclosures()) AND NOT governance.is_incident_report(NEW.kind) THEN
        PERFORM governance.refuse(format('there is no disclosure %s', NEW.kind));
    END IF;
    PERFORM governance.demand_incident(NEW.kind, body, at);
    IF NEW.version IS DISTINCT FROM coalesce((SELECT max(version) FROM disclosure_versions v WHERE v.kind = NEW.kind), 0) + 1
       OR (p.base -> p.subject ->> 'version')::integer IS DISTINCT FROM NEW.version - 1 THEN
        PERFORM governance.refuse('versions of a disclosure follow each other');
    END IF;
    IF at < (body ->> 'effective_from')::timestamptz THEN
        PERFORM governance.refuse(format('proposal %s: it is not to be published yet', p.id));
    END IF;
    NEW.published_at := at;
    NEW.effective_until := (body ->> 'effective_until')::timestamptz;
    NEW.review_due_on := (body ->> 'review_due_on')::date;
    IF NEW.effective_until <= at THEN
        PERFORM governance.refuse(format('proposal %s: its time is over', p.id));
    END IF;
    -- 400 days from the writing (disclosures/documents/content.py), and the 29 that it may wait. Not by the session's time zone.
    IF (NEW.review_due_on > (at AT TIME ZONE 'UTC')::date
        AND NEW.review_due_on <= (at AT TIME ZONE 'UTC')::date + 430) IS NOT TRUE THEN
        PERFORM governance.refuse(format('proposal %s: its next review is due in the past, or too far ahead', p.id));
    END IF;
    NEW.author_name := p.proposer_name;
    NEW.approver_name := (SELECT left(string_agg(DISTINCT v.voter_name, ', '), 300) FROM votes v
                          WHERE v.proposal_id = p.id AND v.revision = p.revision AND v.choice = 'approve');
    RETURN NEW;
END $$;
