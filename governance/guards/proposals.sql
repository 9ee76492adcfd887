-- A proposal begins as a draft, goes only where the table of steps leads, and its content stands still outside a draft. Times
-- that count are written here.
CREATE FUNCTION governance.guard_proposals() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    at timestamptz := governance.now();
    needed record;
    content CONSTANT text[] := ARRAY['kind', 'subject', 'title', 'reason', 'change', 'base', 'content_hash', 'policy_version',
                                     'required', 'risk_class', 'risk_reasons', 'revision', 'rolls_back_to'];
    mark CONSTANT text[] := ARRAY['id', 'proposer_id', 'proposer_name', 'created_at', 'is_demo'];
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM governance.refuse('a proposal is never deleted');
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF governance.genesis_is_open() AND NEW.is_demo THEN
            RETURN NEW;
        END IF;
        IF NEW.state <> 'DRAFT' OR NEW.revision <> 1 OR NEW.is_demo OR NEW.reviewed_at IS NOT NULL
           OR coalesce(NEW.submitted_at, NEW.decided_at, NEW.not_before, NEW.valid_until, NEW.applied_at) IS NOT NULL THEN
            PERFORM governance.refuse('a proposal begins as a draft');
        END IF;
        IF NEW.policy_version IS DISTINCT FROM (SELECT max(version) FROM review_policies) THEN
            PERFORM governance.refuse('a proposal is made under the review policy in force');
        END IF;
        NEW.created_at := at;
        RETURN NEW;
    END IF;
    IF (SELECT jsonb_object_agg(key, value) FROM jsonb_each(to_jsonb(NEW)) WHERE key = ANY (mark))
       <> (SELECT jsonb_object_agg(key, value) FROM jsonb_each(to_jsonb(OLD)) WHERE key = ANY (mark)) THEN
        PERFORM governance.refuse(format('proposal %s: who made it, and when, does not change', OLD.id));
    END IF;
    IF (SELECT jsonb_object_agg(key, value) FROM jsonb_each(to_jsonb(NEW)) WHERE key = ANY (content))
       <> (SELECT jsonb_object_agg(key, value) FROM jsonb_each(to_jsonb(OLD)) WHERE key = ANY (content))
       AND NOT (NEW.state = 'DRAFT' AND OLD.state IN ('DRAFT', 'IN_REVIEW', 'CHANGES_REQUESTED')
                AND NEW.revision = OLD.revision + 1
                AND NEW.policy_version = (SELECT max(version) FROM review_policies)) THEN
        PERFORM governance.refuse(format('proposal %s: its content changes only in a draft, as its next revision', OLD.id));
    END IF;
    IF NEW.state = OLD.state THEN
        RETURN governance.proposal_stands(OLD, NEW, at);
    END IF;
    IF OLD.state || '>' || NEW.state NOT IN (
        'DRAFT>IN_REVIEW', 'DRAFT>APPLIED', 'DRAFT>WITHDRAWN', 'DRAFT>SUPERSEDED', 'DRAFT>CANCELLED',
        'IN_REVIEW>DRAFT', 'IN_REVIEW>CHANGES_REQUESTED', 'IN_REVIEW>REJECTED', 'IN_REVIEW>APPROVED', 'IN_REVIEW>EXPIRED',
        'IN_REVIEW>WITHDRAWN', 'IN_REVIEW>SUPERSEDED', 'IN_REVIEW>CANCELLED',
        'CHANGES_REQUESTED>DRAFT', 'CHANGES_REQUESTED>EXPIRED', 'CHANGES_REQUESTED>WITHDRAWN',
        'CHANGES_REQUESTED>SUPERSEDED', 'CHANGES_REQUESTED>CANCELLED',
        'APPROVED>APPLIED', 'APPROVED>FAILED', 'APPROVED>EXPIRED', 'APPROVED>WITHDRAWN', 'APPROVED>SUPERSEDED',
        'APPROVED>CANCELLED') THEN
        PERFORM governance.refuse(format('proposal %s does not go from %s to %s', OLD.id, OLD.state, NEW.state));
    END IF;
    RETURN governance.proposal_step(OLD, NEW, at);
END $$;

-- What may be written while the state stands: the preview of a draft, a later date, the review of a reducing change.
CREATE FUNCTION governance.proposal_stands(was proposals, is_now proposals, at timestamptz) RETURNS proposals LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF (is_now.submitted_at, is_now.decided_at, is_now.valid_until, is_now.applied_at, is_now.review_due_at)
       IS DISTINCT FROM (was.submitted_at, was.decided_at, was.valid_until, was.applied_at, was.review_due_at) THEN
        PERFORM governance.refuse(format('proposal %s: its times are the database''s', was.id));
    END IF;
    IF (is_now.preview_hash, is_now.preview_at) IS DISTINCT FROM (was.preview_hash, was.preview_at) AND was.state <> 'DRAFT' THEN
        PERFORM governance.refuse(format('proposal %s: its preview belongs to the draft', was.id));
    END IF;
    IF (is_now.not_before, is_now.scheduled_for) IS DISTINCT FROM (was.not_before, was.scheduled_for)
       AND NOT (was.state = 'APPROVED' AND is_now.not_before >= was.not_before) THEN
        PERFORM governance.refuse(format('proposal %s: it can only be put off', was.id));
    END IF;
    IF is_now.reviewed_at IS DISTINCT FROM was.reviewed_at THEN
        IF was.reviewed_at IS NOT NULL OR was.state <> 'APPLIED' OR was.review_due_at IS NULL OR NOT EXISTS (
            SELECT 1 FROM votes v WHERE v.proposal_id = was.id AND v.choice = 'reviewed' AND v.voter_id <> was.proposer_id) THEN
            PERFORM governance.refuse(format('proposal %s: nobody has reviewed it', was.id));
        END IF;
        is_now.reviewed_at := at;
    END IF;
    RETURN is_now;
END $$;

-- A step: what it needs, and the times it sets.
CREATE FUNCTION governance.proposal_step(was proposals, is_now proposals, at timestamptz) RETURNS proposals LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    needed record;
BEGIN
    IF (is_now.review_due_at, is_now.reviewed_at) IS DISTINCT FROM (was.review_due_at, was.reviewed_at)
       AND is_now.state <> 'APPLIED' THEN
        PERFORM governance.refuse(format('proposal %s: only what was applied is reviewed afterwards', was.id));
    END IF;
    IF is_now.state = 'DRAFT' THEN
        is_now.submitted_at := NULL;
        is_now.valid_until := NULL;
    ELSIF is_now.state = 'IN_REVIEW' THEN
        is_now.submitted_at := at;
        is_now.valid_until := at + make_interval(secs => governance.in_review_valid_s());
    ELSIF is_now.state = 'APPROVED' THEN
        needed := governance.required(was.policy_version, governance.rule_of(was.kind, was.subject), was.risk_class);
        IF at >= was.valid_until THEN
            PERFORM governance.refuse(format('proposal %s has expired', was.id));
        END IF;
        IF governance.approvals(was.id, needed.roles) < needed.quorum
           OR EXISTS (SELECT 1 FROM votes v WHERE v.proposal_id = was.id AND v.revision = was.revision
                                              AND v.choice IN ('reject', 'request_changes')) THEN
            PERFORM governance.refuse(format('proposal %s has not the %s approvals that count', was.id, needed.quorum));
        END IF;
        is_now.decided_at := at;
        is_now.not_before := greatest(at + make_interval(secs => needed.timelock_s), is_now.scheduled_for);
        is_now.valid_until := is_now.not_before + make_interval(secs => needed.valid_s);
    ELSIF is_now.state = 'APPLIED' AND was.state = 'APPROVED' THEN
        PERFORM governance.demand('proposal:' || was.id, was.kind, was.risk_class);
        is_now.applied_at := at;
        is_now.review_due_at := NULL;
        is_now.reviewed_at := NULL;
    ELSIF is_now.state = 'APPLIED' THEN
        IF was.risk_class <> 'reducing' OR was.kind NOT IN ('parameters', 'role_grant') THEN
            PERFORM governance.refuse(format('proposal %s is not reducing: it needs approval', was.id));
        END IF;
        is_now.applied_at := at;
        is_now.reviewed_at := NULL;
        is_now.review_due_at := at + make_interval(secs => governance.review_within_s());
    ELSIF is_now.state = 'EXPIRED' THEN
        IF at < coalesce(was.valid_until, 'infinity') THEN
            PERFORM governance.refuse(format('proposal %s has not expired', was.id));
        END IF;
    ELSIF is_now.state = 'REJECTED' THEN
        IF NOT EXISTS (SELECT 1 FROM votes v WHERE v.proposal_id = was.id AND v.revision = was.revision AND v.choice = 'reject') THEN
            PERFORM governance.refuse(format('proposal %s: nobody rejected it', was.id));
        END IF;
        is_now.decided_at := at;
    END IF;
    RETURN is_now;
END $$;

CREATE FUNCTION governance.in_review_valid_s() RETURNS integer LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT least((body ->> 'in_review_valid_s')::integer, 7776000) FROM review_policies ORDER BY version DESC LIMIT 1
$$;

CREATE FUNCTION governance.review_within_s() RETURNS integer LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT least((body -> 'classes' -> 'reducing' ->> 'review_within_s')::integer, 86400)
    FROM review_policies ORDER BY version DESC LIMIT 1
$$;

CREATE TRIGGER proposals_guard BEFORE INSERT OR UPDATE OR DELETE ON proposals
    FOR EACH ROW EXECUTE FUNCTION governance.guard_proposals();

-- Whoever says "applied" at the end of a transaction has applied: each market of the proposal has a version that names it.
CREATE FUNCTION governance.applied_is_true() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.state = 'APPLIED' AND NEW.kind = 'parameters' AND NOT NEW.is_demo AND EXISTS (
        SELECT 1 FROM jsonb_object_keys(NEW.change -> 'markets') slug
        WHERE NOT EXISTS (SELECT 1 FROM parameter_sets_history h JOIN markets m ON m.id = h.market_id
                          WHERE m.slug = slug AND h.authorised_by = 'proposal:' || NEW.id)) THEN
        PERFORM governance.refuse(format('proposal %s says it is applied, and no version of its markets names it', NEW.id));
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER proposals_applied_is_true AFTER UPDATE OF state ON proposals
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION governance.applied_is_true();

-- A vote is said once, in time, about exactly the content in review, by somebody who may; it never changes.
CREATE FUNCTION governance.guard_votes() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    p proposals;
    needed record;
    at timestamptz := governance.now();
BEGIN
    SELECT * INTO p FROM proposals WHERE id = NEW.proposal_id FOR SHARE;
    IF governance.genesis_is_open() AND p.is_demo THEN
        RETURN NEW;
    END IF;
    needed := governance.required(p.policy_version, governance.rule_of(p.kind, p.subject), 'strictest');
    IF NEW.voter_id = p.proposer_id THEN
        PERFORM governance.refuse(format('proposal %s: nobody votes on their own proposal', p.id));
    END IF;
    IF NEW.choice = 'reviewed' THEN
        IF p.state <> 'APPLIED' OR p.review_due_at IS NULL OR p.reviewed_at IS NOT NULL THEN
            PERFORM governance.refuse(format('proposal %s waits for no review', p.id));
        END IF;
    ELSIF p.state <> 'IN_REVIEW' OR at >= p.valid_until THEN
        PERFORM governance.refuse(format('proposal %s is not in review', p.id));
    END IF;
    IF NEW.revision <> p.revision OR NEW.content_hash <> p.content_hash THEN
        PERFORM governance.refuse(format('proposal %s: the vote is about other content', p.id));
    END IF;
    IF governance.is_about(p.subject, NEW.voter_id) OR NOT governance.may_vote(NEW.voter_id, p.created_at, needed.roles) THEN
        PERFORM governance.refuse(format('proposal %s: this person may not vote on it', p.id));
    END IF;
    IF NEW.method NOT IN ('totp', 'webauthn') OR (NEW.method = 'webauthn') <> (NEW.assertion IS NOT NULL) THEN
        PERFORM governance.refuse('a vote says by which second factor it was given');
    END IF;
    NEW.voted_at := at;
    NEW.voter_name := (SELECT username FROM users WHERE id = NEW.voter_id);
    RETURN NEW;
END $$;
CREATE TRIGGER votes_guard BEFORE INSERT ON votes FOR EACH ROW EXECUTE FUNCTION governance.guard_votes();

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['votes', 'proposal_comments', 'proposal_transitions', 'review_policies'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION governance.refuse_change()',
                       name || '_append_only', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['votes', 'proposal_comments', 'proposal_transitions', 'review_policies', 'proposals',
                                'proposal_previews', 'role_grants', 'parameter_sets', 'risk_directions',
                                'governance_genesis', 'exposure_limits', 'users', 'users_groups', 'trading_controls', 'locks'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION governance.refuse_change()',
                       name || '_stays', name);
    END LOOP;
END $$;
