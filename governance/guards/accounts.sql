-- Closing a person's account is a reducing change: by a proposal that is being applied, of an administrator who is somebody else,
-- and told as applied by the end of the transaction. And votes by a security key alone, where the rules of review say so.

-- A change about a person's own role, credentials, token or account is nothing that person votes on.
CREATE OR REPLACE FUNCTION governance.is_about(the_subject text, the_person bigint) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT split_part(the_subject, ':', 1) IN ('role', 'credentials', 'token', 'account')
       AND EXISTS (SELECT 1 FROM users u WHERE u.id = the_person AND u.username = split_part(the_subject, ':', 2))
$$;

-- A guardian votes on no change, whatever else they are: by a membership or by an open grant.
CREATE FUNCTION governance.is_guardian(the_person bigint) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM users_groups m JOIN auth_group g ON g.id = m.group_id
                   WHERE m.user_id = the_person AND g.name = 'compliance')
        OR EXISTS (SELECT 1 FROM role_grants r
                   WHERE r.user_id = the_person AND r.role = 'compliance' AND r.revoked_at IS NULL)
$$;

CREATE FUNCTION governance.demand_closing(the_person bigint, the_name text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    role text;
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM proposals p
        WHERE p.kind = 'account' AND p.subject = 'account:' || the_name AND p.state = 'DRAFT' AND p.risk_class = 'reducing'
          AND p.change = jsonb_build_object('username', the_name, 'action', 'close')
          AND p.proposer_id <> the_person AND governance.is_member(p.proposer_id::text, 'administrator')) THEN
        PERFORM governance.refuse('an account is closed by another administrator''s proposal');
    END IF;
    FOREACH role IN ARRAY ARRAY['approver', 'compliance', 'administrator'] LOOP
        IF governance.is_member(the_person::text, role) AND NOT EXISTS (
            SELECT 1 FROM users_groups m JOIN auth_group g ON g.id = m.group_id
            WHERE g.name = role AND m.user_id <> the_person AND governance.is_member(m.user_id::text, role)
              AND (role <> 'approver' OR NOT governance.is_guardian(m.user_id))) THEN
            PERFORM governance.refuse(format('%s is the last %s', the_name, role));
        END IF;
    END LOOP;
END $$;

-- The times that decide who may vote are written here and nowhere else; an account is opened and closed by its proposal.
CREATE OR REPLACE FUNCTION governance.guard_users() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    at timestamptz := governance.now();
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM governance.refuse('a person is closed, never deleted');
    END IF;
    IF TG_OP = 'INSERT' THEN
        NEW.date_joined := at;
        NEW.credentials_changed_at := at;
        NEW.roles_changed_at := NULL;
        NEW.activated_at := at;
        RETURN NEW;
    END IF;
    NEW.date_joined := OLD.date_joined;
    IF NEW.username <> OLD.username OR NEW.id <> OLD.id THEN
        PERFORM governance.refuse('a person keeps their name: votes and grants are told by it');
    END IF;
    IF pg_trigger_depth() < 2 THEN
        NEW.credentials_changed_at := CASE WHEN NEW.password <> OLD.password THEN at ELSE OLD.credentials_changed_at END;
        NEW.roles_changed_at := OLD.roles_changed_at;
    END IF;
    IF NEW.is_active AND NOT OLD.is_active AND NOT governance.genesis_is_open() AND NOT EXISTS (
        SELECT 1 FROM proposals p
        WHERE p.kind = 'credentials' AND p.subject = 'credentials:' || NEW.username AND p.state = 'APPROVED'
          AND p.change ->> 'what' = 'open' AND (governance.demand('proposal:' || p.id, 'credentials', 'strictest')).id = p.id) THEN
        PERFORM governance.refuse('a closed account is opened by an approved proposal');
    END IF;
    IF OLD.is_active AND NOT NEW.is_active AND NOT governance.genesis_is_open() THEN
        PERFORM governance.demand_closing(NEW.id, NEW.username);
    END IF;
    NEW.activated_at := CASE WHEN NEW.is_active AND NOT OLD.is_active THEN at ELSE OLD.activated_at END;
    RETURN NEW;
END $$;

-- At the end of the transaction the proposal says so: it was applied after the account was last opened.
CREATE FUNCTION governance.closing_is_told() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT governance.genesis_is_open() AND EXISTS (SELECT 1 FROM users u WHERE u.id = NEW.id AND NOT u.is_active) AND NOT EXISTS (
        SELECT 1 FROM proposals p
        WHERE p.kind = 'account' AND p.subject = 'account:' || NEW.username AND p.state = 'APPLIED'
          AND p.applied_at >= coalesce(NEW.activated_at, '-infinity')) THEN
        PERFORM governance.refuse(format('no applied proposal closes the account of %s', NEW.username));
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER users_closing_is_told AFTER UPDATE OF is_active ON users
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.is_active AND NOT NEW.is_active)
    EXECUTE FUNCTION governance.closing_is_told();

-- And a proposal that says it is applied has closed the account.
CREATE FUNCTION governance.account_is_closed() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT NEW.is_demo AND NOT governance.genesis_is_open()
       AND EXISTS (SELECT 1 FROM users u WHERE 'account:' || u.username = NEW.subject AND u.is_active) THEN
        PERFORM governance.refuse(format('proposal %s says it is applied, and the account is open', NEW.id));
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER proposals_account_is_closed AFTER UPDATE OF state ON proposals
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.kind = 'account' AND NEW.state = 'APPLIED')
    EXECUTE FUNCTION governance.account_is_closed();

-- Whether votes need a security key: by the policy of that version, or the one in force. What is not plainly "false" is "true".
CREATE FUNCTION governance.demands_key_by(the_version bigint, the_rule text, the_class text) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(CASE
        WHEN the_rule = 'parameters' THEN body -> 'classes' -> the_class
        WHEN the_rule IN ('control', 'control_kill') THEN body -> 'kinds' -> the_rule
        ELSE body -> 'classes' -> 'strictest'
    END -> 'demands_security_key', 'false') <> 'false'
    FROM review_policies WHERE version = the_version
$$;

CREATE FUNCTION governance.demands_key(made_under bigint, the_rule text, the_class text) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT governance.demands_key_by(made_under, the_rule, the_class)
        OR governance.demands_key_by((SELECT max(version) FROM review_policies), the_rule, the_class)
$$;

-- Approvals of this very content that count now for a change of that class, which is the rows' own: what the proposal calls itself
-- is the application's word. The one without a class goes, so that nothing counts by it.
CREATE FUNCTION governance.approvals(the_proposal bigint, the_roles text[], the_class text) RETURNS bigint LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT count(DISTINCT v.voter_id)
    FROM votes v JOIN proposals p ON p.id = v.proposal_id
    WHERE p.id = the_proposal AND v.revision = p.revision AND v.choice = 'approve' AND v.content_hash = p.content_hash
      AND v.voter_id <> p.proposer_id AND NOT governance.is_about(p.subject, v.voter_id)
      AND governance.may_vote(v.voter_id, p.created_at, the_roles)
      AND (v.method = 'webauthn' OR NOT governance.demands_key(p.policy_version, governance.rule_of(p.kind, p.subject), the_class))
$$;
DROP FUNCTION governance.approvals(bigint, text[]);

-- Whether the proposal may take effect now as a change of that class. Raises with the reason where it may not.
CREATE OR REPLACE FUNCTION governance.demand(the_authority text, the_kind text, the_class text) RETURNS proposals
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    p proposals;
    needed record;
    at timestamptz := governance.now();
BEGIN
    IF the_authority !~ '^proposal:[0-9]{1,18}$' THEN
        PERFORM governance.refuse(format('%s changes only by an approved proposal, not by "%s"', the_kind, left(the_authority, 60)));
    END IF;
    SELECT * INTO p FROM proposals WHERE id = split_part(the_authority, ':', 2)::bigint FOR SHARE;
    IF p.id IS NULL OR p.kind <> the_kind THEN
        PERFORM governance.refuse(format('%s explains no change of %s', the_authority, the_kind));
    END IF;
    IF the_class = 'reducing' THEN
        IF p.state NOT IN ('DRAFT', 'APPROVED', 'APPLIED') THEN
            PERFORM governance.refuse(format('%s is %s', the_authority, p.state));
        END IF;
        RETURN p;
    END IF;
    IF p.state NOT IN ('APPROVED', 'APPLIED') THEN
        PERFORM governance.refuse(format('%s is %s, not approved', the_authority, p.state));
    END IF;
    needed := governance.required(p.policy_version, governance.rule_of(p.kind, p.subject), the_class);
    IF governance.approvals(p.id, needed.roles, the_class) < needed.quorum THEN
        PERFORM governance.refuse(format('%s has not the %s approvals that count', the_authority, needed.quorum));
    END IF;
    IF p.decided_at IS NULL OR at < p.decided_at + make_interval(secs => needed.timelock_s)
       OR at < coalesce(p.not_before, 'infinity') OR at < coalesce(p.scheduled_for, '-infinity') THEN
        PERFORM governance.refuse(format('%s is still in its timelock', the_authority));
    END IF;
    IF at >= coalesce(p.valid_until, '-infinity') THEN
        PERFORM governance.refuse(format('%s is no longer valid', the_authority));
    END IF;
    RETURN p;
END $$;

-- A vote by a code is refused early where its proposal says that it would not count; whether it counts is asked again above.
CREATE FUNCTION governance.guard_votes_by_key() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    p proposals;
BEGIN
    SELECT * INTO p FROM proposals WHERE id = NEW.proposal_id;
    IF NEW.method <> 'webauthn' AND NOT (governance.genesis_is_open() AND p.is_demo)
       -- A look afterwards asks what a vote on the opposite would.
       AND (CASE WHEN NEW.choice = 'reviewed'
           THEN governance.demands_key_by((SELECT max(version) FROM review_policies), 'parameters', 'increasing')
           ELSE governance.demands_key(p.policy_version, governance.rule_of(p.kind, p.subject), p.risk_class) END) THEN
        PERFORM governance.refuse(format('proposal %s: votes need a security key', p.id));
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER votes_guard_by_key BEFORE INSERT ON votes FOR EACH ROW EXECUTE FUNCTION governance.guard_votes_by_key();
