-- What the public was told stays as it was told. A version is written once, with the text, the hash and at the time that an approved
-- proposal says, and nobody who wrote it approved it.

-- Kinds that must be published (disclosures/documents/kinds.py; a test compares).
CREATE FUNCTION governance.required_disclosures() RETURNS text[] LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT ARRAY['market-making-risk', 'treasury-usage', 'buyback-limitation', 'conflicts-of-interest', 'liquidity-incentives',
                 'general-risk', 'operator-identity']
$$;

-- The approved proposal behind a row about documents. Raises where there is none, or one of its authors approved it.
CREATE FUNCTION governance.demand_document(the_authority text, the_kind text, the_action text) RETURNS proposals LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    p proposals := governance.demand(the_authority, 'document', 'neutral');
BEGIN
    IF p.subject <> 'document:' || the_kind OR p.change ->> 'action' IS DISTINCT FROM the_action THEN
        PERFORM governance.refuse(format('proposal %s is about something else', p.id));
    END IF;
    IF EXISTS (SELECT 1 FROM votes v JOIN users u ON u.id = v.voter_id
               WHERE v.proposal_id = p.id AND v.revision = p.revision AND v.choice = 'approve'
                 AND coalesce(p.change -> 'authors', '[]') ? u.username) THEN
        PERFORM governance.refuse(format('proposal %s was approved by one of its authors', p.id));
    END IF;
    RETURN p;
END $$;

CREATE FUNCTION governance.guard_disclosure_versions() RETURNS trigger LANGUAGE plpgsql
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
    IF NOT NEW.kind = ANY (governance.required_disclosures()) THEN
        PERFORM governance.refuse(format('there is no disclosure %s', NEW.kind));
    END IF;
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
CREATE TRIGGER disclosure_versions_guard BEFORE INSERT OR UPDATE OR DELETE ON disclosure_versions
    FOR EACH ROW EXECUTE FUNCTION governance.guard_disclosure_versions();

-- A withdrawal or a correction, likewise.
CREATE FUNCTION governance.guard_disclosure_notices() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    p proposals;
    v disclosure_versions;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM governance.refuse('a notice about a disclosure is never changed or deleted');
    END IF;
    SELECT * INTO v FROM disclosure_versions WHERE id = NEW.version_id;
    p := governance.demand_document(NEW.authorised_by, v.kind,
                                    CASE NEW.what WHEN 'withdrawal' THEN 'withdraw' ELSE 'correct' END);
    IF (p.change ->> 'version')::integer IS DISTINCT FROM v.version
       OR p.change -> 'text' IS DISTINCT FROM jsonb_build_object('en', NEW.text_en, 'dv', NEW.text_dv) THEN
        PERFORM governance.refuse(format('proposal %s says something else', p.id));
    END IF;
    NEW.at := governance.now();
    RETURN NEW;
END $$;
CREATE TRIGGER disclosure_notices_guard BEFORE INSERT OR UPDATE OR DELETE ON disclosure_notices
    FOR EACH ROW EXECUTE FUNCTION governance.guard_disclosure_notices();

-- Who accepted what, and when: of exactly that text, at the database's time.
CREATE FUNCTION governance.guard_acknowledgements() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM governance.refuse('an acknowledgement is never changed or deleted');
    END IF;
    IF NEW.sha256 IS DISTINCT FROM (SELECT sha256 FROM disclosure_versions WHERE id = NEW.version_id) THEN
        PERFORM governance.refuse('the acknowledgement is about another text');
    END IF;
    NEW.at := governance.now();
    RETURN NEW;
END $$;
CREATE TRIGGER disclosure_acknowledgements_guard BEFORE INSERT OR UPDATE OR DELETE ON disclosure_acknowledgements
    FOR EACH ROW EXECUTE FUNCTION governance.guard_acknowledgements();

-- Every required kind has a newest version that is neither withdrawn nor over.
CREATE FUNCTION governance.disclosures_complete() RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT NOT EXISTS (
        SELECT 1 FROM unnest(governance.required_disclosures()) AS wanted(kind)
        WHERE NOT EXISTS (
            SELECT 1 FROM (SELECT * FROM disclosure_versions v WHERE v.kind = wanted.kind ORDER BY v.version DESC LIMIT 1) newest
            WHERE (newest.effective_until IS NULL OR newest.effective_until > governance.now())
              AND NOT EXISTS (SELECT 1 FROM disclosure_notices n
                              WHERE n.version_id = newest.id AND n.what = 'withdrawal')))
$$;

-- A named gate is only closed, but for the one of the disclosures, which stands open while they are complete.
CREATE OR REPLACE FUNCTION governance.guard_named_gates() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF governance.genesis_is_open() THEN
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.name = 'disclosures' AND (TG_OP = 'INSERT' OR (NEW.id, NEW.name) = (OLD.id, OLD.name)) THEN
        IF NEW.is_open AND NOT governance.disclosures_complete() THEN
            PERFORM governance.refuse('the gate of the disclosures is open only while every required one is published');
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP <> 'UPDATE' OR (NEW.id, NEW.name) IS DISTINCT FROM (OLD.id, OLD.name) OR (NEW.is_open AND NOT OLD.is_open) THEN
        PERFORM governance.refuse('a named gate is only closed');
    END IF;
    RETURN NEW;
END $$;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['disclosure_versions', 'disclosure_notices', 'disclosure_acknowledgements'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION governance.refuse_change()',
                       name || '_stays', name);
    END LOOP;
END $$;
