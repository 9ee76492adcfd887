-- The treasury's tables. What happened stays; a buyback keeps the house's distance and its programme's caps, rewards their epoch's
-- budget, whoever writes them. Made-up rows never stand beside real ones.

-- One installation has one sort of treasury: every row's is_demo is that of the one declaration. A foreign key sees what others
-- have not committed yet, which a trigger does not. Without a declaration nothing can be written at all.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['treasury_wallets', 'treasury_balances', 'buyback_programmes', 'buybacks', 'reward_epochs',
                                'reward_payouts']
    LOOP
        EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I FOREIGN KEY (is_demo) REFERENCES treasury_declaration (is_demo)',
                       name, name || '_as_declared');
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()',
                       name || '_no_truncate', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['treasury_declaration', 'treasury_balances', 'reward_payouts']
    LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()',
                       name || '_append_only', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['treasury_wallets', 'buyback_programmes', 'buybacks', 'reward_epochs']
    LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()',
                       name || '_no_delete', name);
    END LOOP;
END $$;
CREATE TRIGGER treasury_declaration_no_truncate BEFORE TRUNCATE ON treasury_declaration
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Made-up rows are first rows: once genesis is closed there are no more of them. The clock and genesis are those of the other
-- guards, in the schema governance.
CREATE FUNCTION treasury_demo_is_genesis() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.is_demo AND NOT governance.genesis_is_open() THEN
        RAISE EXCEPTION '% refused: demonstration rows are written while genesis is open', TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['treasury_declaration', 'treasury_wallets', 'treasury_balances', 'buyback_programmes', 'buybacks',
                                'reward_epochs', 'reward_payouts']
    LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE INSERT ON %I FOR EACH ROW EXECUTE FUNCTION treasury_demo_is_genesis()',
                       name || '_demo_is_genesis', name);
    END LOOP;
END $$;

-- What a row is about stays: a label may change, the wallet behind it may not.
CREATE FUNCTION treasury_meaning_stays() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY TG_ARGV LOOP
        IF (to_jsonb(NEW) -> name) IS DISTINCT FROM (to_jsonb(OLD) -> name) THEN
            RAISE EXCEPTION '% % refused: its % stays', TG_TABLE_NAME, OLD.id, name USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END LOOP;
    RETURN NEW;
END $$;
CREATE TRIGGER treasury_wallets_meaning_stays BEFORE UPDATE ON treasury_wallets FOR EACH ROW
    EXECUTE FUNCTION treasury_meaning_stays('slug', 'address', 'network', 'is_demo', 'registered_at');
CREATE TRIGGER buyback_programmes_meaning_stays BEFORE UPDATE ON buyback_programmes FOR EACH ROW
    EXECUTE FUNCTION treasury_meaning_stays('slug', 'market_id', 'wallet_id', 'is_demo', 'starts_at');
CREATE TRIGGER reward_epochs_meaning_stays BEFORE UPDATE ON reward_epochs FOR EACH ROW
    EXECUTE FUNCTION treasury_meaning_stays('number', 'asset_id', 'is_demo', 'starts_at', 'ends_at');

-- Four hours lie between two buybacks of whatever programme, also between two that are written at once: an exclusion constraint
-- waits for whoever has not committed yet, at every isolation level. Exactly four hours are enough.
ALTER TABLE buybacks ADD CONSTRAINT buybacks_four_hours_apart EXCLUDE USING gist (
    tsrange(at AT TIME ZONE 'UTC', (at AT TIME ZONE 'UTC') + interval '4 hours') WITH &&
) WHERE (outcome IN ('submitted', 'executed'));

-- Sums are only right when everybody waits for everybody and sees what the others committed.
CREATE FUNCTION treasury_alone(space integer, key integer) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'refused: written at the isolation level "read committed" only' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    PERFORM pg_advisory_xact_lock(space, key);
END $$;

-- A turn is settled after it began, and nobody writes what is still to come.
CREATE FUNCTION buyback_settled_in_time(began timestamptz, settled timestamptz) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF (settled >= began AND settled <= governance.now() + interval '1 minute') IS NOT TRUE THEN
        RAISE EXCEPTION 'buyback refused: it is settled after it began, and not in the future'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
END $$;

-- A turn is written at its time, while its programme runs and within its caps. What was really bought is written before its order
-- is sent; only made-up history begins as executed.
CREATE FUNCTION buyback_begins() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    terms buyback_programmes;
    is_claim CONSTANT boolean := NEW.outcome IN ('submitted', 'executed');
    around numeric;
    ever numeric;
BEGIN
    PERFORM treasury_alone(6, 0);
    SELECT * INTO terms FROM buyback_programmes WHERE id = NEW.programme_id;
    IF NOT NEW.is_demo AND (NEW.outcome NOT IN ('submitted', 'skipped')
                            OR abs(extract(epoch FROM NEW.at - governance.now())) > 60) THEN
        RAISE EXCEPTION 'buyback refused: it is written at its time, before its order is sent'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NOT NEW.is_demo AND NEW.outcome = 'skipped' THEN
        PERFORM buyback_settled_in_time(NEW.at, NEW.settled_at);
    END IF;
    IF NOT is_claim THEN
        RETURN NEW;
    END IF;
    -- "Unknown" is refused like "no": a comparison with what is not there is neither.
    IF (terms.status = 'active' AND NEW.at >= terms.starts_at AND NEW.at < terms.ends_at) IS NOT TRUE THEN
        RAISE EXCEPTION 'buyback refused: programme % does not run', terms.slug USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF EXISTS (SELECT 1 FROM buybacks b WHERE b.programme_id = terms.id AND b.outcome IN ('submitted', 'executed')
               AND abs(extract(epoch FROM b.at - NEW.at)) < terms.interval_s) THEN
        RAISE EXCEPTION 'buyback refused: programme % waits % s between two', terms.slug, terms.interval_s
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    SELECT coalesce(sum(coalesce(b.cost, b.most_cost)) FILTER (WHERE abs(extract(epoch FROM b.at - NEW.at)) < 86400), 0),
           coalesce(sum(coalesce(b.cost, b.most_cost)), 0)
    INTO around, ever
    FROM buybacks b WHERE b.programme_id = terms.id AND b.outcome IN ('submitted', 'executed');
    IF (NEW.most_cost <= terms.execution_cap_quote AND around + NEW.most_cost <= terms.day_cap_quote
        AND ever + NEW.most_cost <= terms.total_cap_quote) IS NOT TRUE THEN
        RAISE EXCEPTION 'buyback refused: a cap of programme % would be passed', terms.slug
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER buybacks_begin BEFORE INSERT ON buybacks FOR EACH ROW EXECUTE FUNCTION buyback_begins();

-- Settled once: what came of it is added, what was asked never changes.
CREATE FUNCTION buyback_settled_once() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    added CONSTANT text[] := ARRAY['outcome', 'reason', 'size', 'price', 'cost', 'reference', 'settled_at'];
BEGIN
    IF (OLD.outcome = 'submitted' AND NEW.outcome IN ('executed', 'failed')) IS NOT TRUE THEN
        RAISE EXCEPTION 'buyback % is settled once', OLD.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    -- Not only the checks of the row: what the caps counted is what may be paid.
    IF NEW.outcome = 'executed' AND (NEW.cost <= OLD.most_cost AND NEW.price <= OLD.reference_price) IS NOT TRUE THEN
        RAISE EXCEPTION 'buyback % refused: it cost more than it might, or nothing is said', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NOT OLD.is_demo THEN
        PERFORM buyback_settled_in_time(OLD.at, NEW.settled_at);
    END IF;
    IF (to_jsonb(NEW) - added) <> (to_jsonb(OLD) - added) THEN
        RAISE EXCEPTION 'buyback % refused: what was asked does not change', OLD.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER buybacks_settled_once BEFORE UPDATE ON buybacks FOR EACH ROW EXECUTE FUNCTION buyback_settled_once();

-- A source tells what was, never what will be; before TON's own chain there was nothing to observe.
CREATE FUNCTION treasury_balance_observed() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT NEW.is_demo AND (NEW.observed_at >= '2019-11-01T00:00:00Z'::timestamptz
                            AND NEW.observed_at <= governance.now() + interval '1 minute') IS NOT TRUE THEN
        RAISE EXCEPTION 'balance refused: it is written after it was observed' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER treasury_balances_observed BEFORE INSERT ON treasury_balances
    FOR EACH ROW EXECUTE FUNCTION treasury_balance_observed();

-- What an epoch pays never passes its budget, which never passes its cap; and it pays after it is over.
CREATE FUNCTION reward_within_budget() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    epoch reward_epochs;
BEGIN
    PERFORM treasury_alone(7, NEW.epoch_id::integer);
    SELECT * INTO epoch FROM reward_epochs WHERE id = NEW.epoch_id;
    IF (epoch.computed_at IS NOT NULL AND NEW.paid_at >= epoch.ends_at
        AND NEW.paid_at <= governance.now() + interval '1 minute') IS NOT TRUE THEN
        RAISE EXCEPTION 'reward refused: epoch % pays after it is over and computed', epoch.number
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF (NEW.amount + (SELECT coalesce(sum(amount), 0) FROM reward_payouts WHERE epoch_id = NEW.epoch_id)
        <= epoch.budget) IS NOT TRUE THEN
        RAISE EXCEPTION 'reward refused: the budget of epoch % would be passed', epoch.number
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER reward_payouts_within_budget BEFORE INSERT ON reward_payouts
    FOR EACH ROW EXECUTE FUNCTION reward_within_budget();

-- A budget may not fall below what is paid.
CREATE FUNCTION reward_budget_covers() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM treasury_alone(7, NEW.id::integer);
    IF (NEW.budget >= (SELECT coalesce(sum(amount), 0) FROM reward_payouts WHERE epoch_id = NEW.id)) IS NOT TRUE THEN
        RAISE EXCEPTION 'epoch % refused: more is paid than this budget', OLD.number USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER reward_epochs_budget_covers BEFORE UPDATE ON reward_epochs
    FOR EACH ROW EXECUTE FUNCTION reward_budget_covers();
