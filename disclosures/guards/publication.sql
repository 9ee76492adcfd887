-- What the public sees gets finer or sooner only by a proposal that others approved; coarser or later at once, by one that says
-- exactly this. The class is judged from the rows themselves.
CREATE FUNCTION governance.class_of_publication(was publication_policies, is_now publication_policies) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE WHEN is_now.delay_s >= was.delay_s AND is_now.inventory_step_share >= was.inventory_step_share
                 AND is_now.pnl_granularity_days >= was.pnl_granularity_days
                 AND is_now.quote_granularity_s >= was.quote_granularity_s
           THEN 'reducing' ELSE 'increasing' END
$$;

CREATE FUNCTION governance.guard_publication() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    was publication_policies;
    p proposals;
    name text;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM governance.refuse('a version of the publication policy is never changed or deleted');
    END IF;
    SELECT * INTO was FROM publication_policies ORDER BY version DESC LIMIT 1;
    IF was.id IS NULL OR NEW.version <> was.version + 1 THEN
        PERFORM governance.refuse('the publication policy changes only as its next version');
    END IF;
    p := governance.demand(NEW.authorised_by, 'publication', governance.class_of_publication(was, NEW));
    IF (p.base -> 'publication' ->> 'version')::bigint IS DISTINCT FROM was.version THEN
        PERFORM governance.refuse(format('proposal %s is about another version of the publication policy', p.id));
    END IF;
    FOREACH name IN ARRAY ARRAY['delay_s', 'inventory_step_share', 'pnl_granularity_days', 'quote_granularity_s'] LOOP
        IF (to_jsonb(NEW) ->> name)::numeric
           IS DISTINCT FROM coalesce((p.change ->> name)::numeric, (to_jsonb(was) ->> name)::numeric) THEN
            PERFORM governance.refuse(format('proposal %s says another %s', p.id, name));
        END IF;
    END LOOP;
    NEW.reason := p.reason;
    NEW.actor_id := p.proposer_id::text;
    NEW.actor_name := p.proposer_name;
    NEW.applied_at := governance.now();
    RETURN NEW;
END $$;
CREATE TRIGGER publication_policies_guard BEFORE INSERT OR UPDATE OR DELETE ON publication_policies
    FOR EACH ROW EXECUTE FUNCTION governance.guard_publication();
CREATE TRIGGER publication_policies_stays BEFORE TRUNCATE ON publication_policies
    FOR EACH STATEMENT EXECUTE FUNCTION governance.refuse_change();

-- Whoever says "applied" has applied.
CREATE FUNCTION governance.publication_is_applied() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.state = 'APPLIED' AND NEW.kind = 'publication' AND NOT NEW.is_demo
       AND NOT EXISTS (SELECT 1 FROM publication_policies WHERE authorised_by = 'proposal:' || NEW.id) THEN
        PERFORM governance.refuse(format('proposal %s says it is applied, and no publication policy names it', NEW.id));
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER publication_is_applied AFTER UPDATE OF state ON proposals
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION governance.publication_is_applied();

-- Kinds of which one person may apply what only makes things safer: this one too.
CREATE OR REPLACE FUNCTION governance.has_reducing_changes(the_kind text) RETURNS boolean LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT the_kind IN ('parameters', 'role_grant', 'limits', 'registry', 'account', 'publication')
$$;
