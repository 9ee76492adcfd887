-- Tables of record: rows come and stay. The application role has no right to change them; these triggers also stop the owner's
-- own slips, and nobody but the owner may switch them off.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % refused: this table only grows', TG_OP, TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['events', 'cash_movements', 'decisions', 'decision_batches', 'lease_epochs',
                                'reconciliation_reports', 'volatility_snapshots', 'mm_state', 'parameter_sets_history',
                                'command_receipts']
    LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()',
                       name || '_append_only', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()',
                       name || '_no_truncate', name);
    END LOOP;
END $$;

-- A fill is as immutable, but for a fee that the venue told later: written once, never changed.
CREATE FUNCTION fill_fee_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.fee IS NOT NULL THEN
        RAISE EXCEPTION 'the fee of fill % is already booked', OLD.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF (to_jsonb(NEW) - 'fee' - 'fee_asset' - 'fee_rate') <> (to_jsonb(OLD) - 'fee' - 'fee_asset' - 'fee_rate') THEN
        RAISE EXCEPTION 'fill % refused: only a missing fee may be added', OLD.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER fills_fee_once BEFORE UPDATE ON fills FOR EACH ROW EXECUTE FUNCTION fill_fee_once();
CREATE TRIGGER fills_no_delete BEFORE DELETE ON fills FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER fills_no_truncate BEFORE TRUNCATE ON fills FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
