"""Attack × door → expected refusal, written by hand. A cell that is missing fails the test that walks the table.

Words of a cell: `guard` (a guard of the database says why), `first` (so does the guard of first rows: an upsert begins as an
insertion), `right` (the application has no right to do that), `model` (Django's own
protection), `kept` (taken, and what counts stays as it was), `-` (there is no such way). The phrase is what a guard says.
`{name}` stands for what the desk under attack holds (`test_superuser_by_data.py`).
"""

from __future__ import annotations

from typing import Any

# What a row that exists may be changed by.
CHANGE_DOORS = ("save", "update", "bulk_update", "upsert", "cursor", "loaddata", "admin")
NEW_DOORS = ("save", "bulk_create", "upsert", "cursor", "loaddata", "admin")
GONE_DOORS = ("delete", "raw_delete", "cursor", "truncate", "admin")

GUARD__ = "guard guard guard guard guard guard 403"
FIRST__ = "guard guard guard first guard guard 403"
RIGHT__ = "right right right right right right 403"
KEPT___ = "kept  kept  kept  kept  kept  right 403"
# Only some columns may be written at all: a whole row is refused by right, the column by its guard.
PARTLY_ = "right guard guard guard guard right 403"
PARTLY1 = "right guard guard first guard right 403"
NO_PAGE = "guard guard guard first guard guard -"

# What guards of first rows say.
FIRST = (
    "explains no change of registry", "begins as a draft", "begins halted", "begins pending", "nobody granted",
    "only by an approved proposal",
)  # fmt: skip

# attack, model, which row, what is written, what the guard says, row
CHANGES: tuple[tuple[str, str, dict[str, Any], dict[str, Any], str, str], ...] = (
    ("a looser parameter by nobody", "trading.ParameterSet", {"market__slug": "dct-usdt-dex"},
     {"spread_floor_bps": "1", "version": 2, "authorised_by": "genesis"}, "only by an approved proposal", GUARD__),
    ("a looser parameter by a proposal that does not exist", "trading.ParameterSet", {"market__slug": "dct-usdt-dex"},
     {"spread_floor_bps": "1", "version": 2, "authorised_by": "proposal:999999"}, "explains no change", GUARD__),
    ("what a proposal in review says", "trading.ParameterSet", {"market__slug": "dct-usdt-dex"},
     {"spread_floor_bps": "2", "version": 2, "authorised_by": "proposal:{in_review}"}, "not approved", FIRST__),
    ("an early application", "trading.ParameterSet", {"market__slug": "gram-usdt-cex"},
     {"beta": "0.5", "version": 2, "authorised_by": "proposal:{waiting}"}, "still in its timelock", FIRST__),
    ("other values than were approved", "trading.ParameterSet", {"market__slug": "dct-usdt-dex"},
     {"spread_floor_bps": "0.5", "version": 2, "authorised_by": "proposal:{ripe}"}, "says another spread_floor_bps", FIRST__),
    ("more than was approved", "trading.ParameterSet", {"market__slug": "dct-usdt-dex"},
     {"spread_floor_bps": "1", "order_size_lots": "3", "version": 2, "authorised_by": "proposal:{ripe}"},
     "says another order_size_lots", FIRST__),
    ("an edited hash of a version", "trading.ParameterSet", {"market__slug": "dct-usdt-dex"},
     {"values_hash": "x"}, "only as its next version", FIRST__),
    ("a higher limit of an asset or the desk", "trading.ExposureLimit", {"scope": "desk"},
     {"hard_limit": "99999999"}, "only as its next version", FIRST__),
    ("an opened gate", "trading.NamedGate", {"name": "live"}, {"is_open": True}, "only closed", GUARD__),
    ("an end of a kill", "trading.TradingControl", {"scope": "dct-usdt-dex"},
     {"state": "ACTIVE", "version": 99}, "two people must lift|its next version", FIRST__),
    ("an end of a lock of a hard limit", "trading.Lock", {"rule": "hard_limit"},
     {"lifted_at": "{now}", "lifted_by": "root"}, "two people must lift it", GUARD__),
    ("a lock of a hard limit that runs out", "trading.Lock", {"rule": "hard_limit"},
     {"until": "{now}"}, "two people must lift it", GUARD__),
    ("a cooling-down that ends before its time, dated ahead", "trading.Lock", {"rule": "drawdown"},
     {"lifted_at": "{tomorrow}", "lifted_by": "root"}, "only by an approved proposal", GUARD__),
    ("another lot size", "trading.Market", {"slug": "dct-usdt-dex"}, {"lot_size": "99"}, "only by an approved proposal", GUARD__),
    ("gates demanded by nobody's proposal", "trading.Market", {"slug": "dct-usdt-dex"}, {"demanded_gates": "disclosures"},
     "only by an approved proposal", GUARD__),
    ("a proposal said to be approved", "governance.Proposal", {"pk": "{in_review}"},
     {"state": "APPROVED", "decided_at": "{now}", "not_before": "{now}"}, "approvals that count", FIRST__),
    ("a proposal said to be applied", "governance.Proposal", {"pk": "{waiting}"},
     {"state": "APPLIED", "applied_at": "{now}"}, "still in its timelock", FIRST__),
    ("a proposal said to be applied, never made", "governance.Proposal", {"pk": "{ripe}"},
     {"state": "APPLIED", "applied_at": "{now}"}, "no version of its markets names it", FIRST__),
    ("other content under the votes", "governance.Proposal", {"pk": "{waiting}"},
     {"change": {"markets": {}}, "content_hash": "0"}, "content changes only in a draft", FIRST__),
    ("a milder class", "governance.Proposal", {"pk": "{in_review}"}, {"risk_class": "reducing"}, "only in a draft", FIRST__),
    ("a shorter timelock", "governance.Proposal", {"pk": "{waiting}"},
     {"not_before": "{yesterday}"}, "only be put off", FIRST__),
    ("an earlier approval", "governance.Proposal", {"pk": "{waiting}"},
     {"decided_at": "{yesterday}"}, "its times are the database's", FIRST__),
    ("a longer validity", "governance.Proposal", {"pk": "{waiting}"},
     {"valid_until": "{tomorrow}"}, "its times are the database's", FIRST__),
    ("another proposer", "governance.Proposal", {"pk": "{in_review}"},
     {"proposer_id": "{adam}"}, "who made it, and when, does not change", FIRST__),
    ("a proposal made earlier", "governance.Proposal", {"pk": "{in_review}"},
     {"created_at": "{yesterday}"}, "who made it, and when, does not change", FIRST__),
    ("an edited vote", "governance.Vote", {"choice": "reject"}, {"choice": "approve"}, "", RIGHT__),
    ("an edited step of a proposal", "governance.ProposalTransition", {"action": "submit", "proposal_id": "{in_review}"},
     {"actor_name": "somebody"}, "", RIGHT__),
    ("easier rules of review", "governance.ReviewPolicy", {"version": 1}, {"body": {}}, "", RIGHT__),
    ("a role turned into another", "governance.RoleGrant", {"user_id": "{adam}"}, {"role": "approver"}, "", RIGHT__),
    ("a role that ended and begins again", "governance.RoleGrant", {"user_id": "{former}"},
     {"revoked_at": None}, "ended once", PARTLY1),
    ("a membership turned into another", "governance.User_groups", {"user_id": "{adam}"},
     {"group_id": "{approvers}"}, "never changed", NO_PAGE),
    ("an account opened again", "governance.User", {"username": "closed"}, {"is_active": True},
     "by an approved proposal", GUARD__),
    ("another name", "governance.User", {"username": "adam"}, {"username": "adam2"}, "keeps their name", GUARD__),
    ("times that decide who votes", "governance.User", {"username": "adam"},
     {"date_joined": "{yesterday}", "roles_changed_at": None, "credentials_changed_at": None, "activated_at": None}, "", KEPT___),
    ("an opened genesis", "governance.GovernanceGenesis", {"pk": 1}, {"is_open": True}, "", RIGHT__),
    ("a direction of risk turned round", "governance.RiskDirectionRow", {"pk": "spread_floor_bps"},
     {"direction": "up_is_riskier"}, "", RIGHT__),
    ("a gate of a jurisdiction taken away", "disclosures.JurisdictionRule", {"country": "MV"},
     {"mode": "none", "notice_en": "", "notice_dv": "", "authorised_by": "proposal:{ripe}"}, "", RIGHT__),
    ("other words for a jurisdiction", "disclosures.JurisdictionRule", {"country": "default"},
     {"notice_en": "Everything is permitted to you."}, "", RIGHT__),
    ("a finer policy of publication", "disclosures.PublicationPolicy", {"version": 1}, {"delay_s": 0}, "",
     "right right right right right right -"),
    ("an edited history", "trading.HistoricalParameterSet", {"market__slug": "dct-usdt-dex"},
     {"spread_floor_bps": "1"}, "", "right right right right right right -"),
    ("an edited event", "trading.Event", {}, {"actor_name": "somebody"}, "", RIGHT__),
    ("a token that does more", "governance.ApiToken", {"name": "bot"}, {"roles": ["approver"]}, "", RIGHT__),
    ("a token that was revoked", "governance.ApiToken", {"name": "bot"}, {"revoked_at": None}, "set once", PARTLY1),
    ("an app that becomes somebody else's", "governance.TotpDevice", {"person_id": "{anna}"}, {"person_id": "{adam}"}, "",
     RIGHT__),
    ("a code that is good again", "governance.TotpDevice", {"person_id": "{anna}"}, {"last_step": 0}, "only rises", PARTLY_),
    ("a key that is good again", "governance.SecurityKey", {"name": "lost"}, {"revoked_at": None}, "set once", PARTLY_),
)  # fmt: skip

NEW_G__ = "guard guard guard guard guard 403"
NEW_R__ = "right right right right right 403"
# Where the application may not update, an insertion that would is refused by right before any guard speaks.
NEW_GR_ = "guard guard right guard guard 403"

NEWS: tuple[tuple[str, str, dict[str, Any], dict[str, Any], str, str], ...] = (
    ("the proposer's vote", "governance.Vote", {"choice": "reject"},
     {"proposal_id": "{in_review}", "voter_id": "{olga}", "choice": "approve", "content_hash": "{content}"},
     "their own proposal", NEW_GR_),
    ("a superuser's vote", "governance.Vote", {"choice": "reject"},
     {"proposal_id": "{in_review}", "voter_id": "{root}", "choice": "approve", "content_hash": "{content}"},
     "may not vote", NEW_GR_),
    ("an administrator's vote", "governance.Vote", {"choice": "reject"},
     {"proposal_id": "{in_review}", "voter_id": "{adam}", "choice": "approve", "content_hash": "{content}"},
     "may not vote", NEW_GR_),
    ("a second vote", "governance.Vote", {"choice": "reject"},
     {"proposal_id": "{in_review}", "voter_id": "{anna}", "choice": "approve", "content_hash": "{content}"},
     "vote_once_per_revision", NEW_GR_),
    ("a late vote", "governance.Vote", {"choice": "reject"},
     {"proposal_id": "{waiting}", "voter_id": "{clara}", "choice": "approve", "content_hash": "{waiting_content}"},
     "not in review", NEW_GR_),
    ("a vote about other content", "governance.Vote", {"choice": "reject"},
     {"proposal_id": "{in_review}", "voter_id": "{clara}", "choice": "approve", "content_hash": "0"},
     "about other content", NEW_GR_),
    ("a vote without a second factor", "governance.Vote", {"choice": "reject"},
     {"proposal_id": "{in_review}", "voter_id": "{clara}", "choice": "approve", "content_hash": "{content}", "method": "none"},
     "by which second factor", NEW_GR_),
    ("a proposal that begins approved", "governance.Proposal", {"pk": "{in_review}"},
     {"state": "APPROVED", "not_before": "{yesterday}"}, "begins as a draft", NEW_G__),
    ("a proposal that begins applied", "governance.Proposal", {"pk": "{in_review}"},
     {"state": "APPLIED", "applied_at": "{now}"}, "begins as a draft", NEW_G__),
    ("a proposal called demonstration", "governance.Proposal", {"pk": "{in_review}"},
     {"state": "APPROVED", "is_demo": True}, "begins as a draft", NEW_G__),
    ("a role for oneself", "governance.RoleGrant", {"user_id": "{adam}"},
     {"user_id": "{root}", "role": "approver", "authorised_by": "genesis"}, "only by an approved proposal", NEW_GR_),
    ("a membership for oneself", "governance.User_groups", {"user_id": "{adam}"},
     {"user_id": "{root}", "group_id": "{approvers}"}, "nobody granted this role", "guard guard guard guard guard -"),
    ("easier rules of review", "governance.ReviewPolicy", {"version": 1},
     {"version": 2, "body": {}}, "only by an approved proposal", NEW_GR_),
    ("an invented version in the history", "trading.HistoricalParameterSet", {"market__slug": "dct-usdt-dex"},
     {"version": 7}, "versions that were in force", "guard guard right guard guard -"),
    ("first parameters of a market", "trading.ParameterSet", {"market__slug": "dct-usdt-dex"}, {},
     "only by an approved proposal", NEW_G__),
    ("another limit", "trading.ExposureLimit", {"scope": "desk"}, {"key": "other", "hard_limit": "9"},
     "an asset that there is", NEW_G__),
    ("an open gate", "trading.NamedGate", {"name": "live"}, {"name": "other", "is_open": True}, "only closed", NEW_G__),
    ("a control that begins open", "trading.TradingControl", {"scope": "dct-usdt-dex"},
     {"scope": "other", "state": "ACTIVE"}, "begins halted", NEW_G__),
    ("another market", "trading.Market", {"slug": "dct-usdt-dex"}, {"slug": "other"}, "only by an approved proposal", NEW_G__),
    ("a second genesis", "governance.GovernanceGenesis", {"pk": 1}, {"pk": 2, "is_open": True}, "", NEW_R__),
    ("another direction of risk", "governance.RiskDirectionRow", {"pk": "spread_floor_bps"}, {"pk": "other"}, "", NEW_R__),
    ("a looser rule of a jurisdiction by nobody", "disclosures.JurisdictionRule", {"country": "MV"},
     {"version": 2, "mode": "none", "notice_en": "", "notice_dv": "", "authorised_by": "genesis"},
     "only by an approved proposal", NEW_GR_),
    ("a first rule that opens a jurisdiction", "disclosures.JurisdictionRule", {"country": "MV"},
     {"country": "US", "mode": "none", "notice_en": "", "notice_dv": "", "authorised_by": "proposal:{ripe}"},
     "explains no change of jurisdiction", NEW_GR_),
    ("a second rule of the same version", "disclosures.JurisdictionRule", {"country": "MV"}, {"authorised_by": "genesis"},
     "only as its next version", NEW_GR_),
    ("a finer policy of publication by nobody", "disclosures.PublicationPolicy", {"version": 1},
     {"version": 2, "delay_s": 0, "authorised_by": "genesis"}, "only by an approved proposal",
     "guard guard right guard guard -"),
    ("a token nobody approved", "governance.ApiToken", {"name": "bot"},
     {"prefix": "mine", "secret_hash": "", "revoked_at": None, "last_used_at": None, "authorised_by": "genesis"},
     "only by an approved proposal", NEW_GR_),
    ("a permission", "governance.User_user_permissions", None, {"user_id": "{root}", "permission_id": 1}, "",
     "right right right right right -"),
)  # fmt: skip

# model → what each way of taking its rows away comes to
NOTHING = "right right right right 403"
GONES: tuple[tuple[str, str], ...] = (
    ("trading.ParameterSet", "right right right right 403"),
    ("trading.HistoricalParameterSet", "right right right right -"),
    ("trading.ExposureLimit", NOTHING),
    ("trading.NamedGate", NOTHING),
    ("trading.TradingControl", NOTHING),
    ("trading.Lock", "right right right right 403"),
    ("trading.Market", "model right right right 403"),
    ("trading.Event", "model right right right 403"),
    ("governance.Proposal", "model right right right 403"),
    ("governance.Vote", NOTHING),
    ("governance.ProposalTransition", NOTHING),
    ("governance.ProposalComment", NOTHING),
    ("governance.ReviewPolicy", NOTHING),
    ("governance.RoleGrant", NOTHING),
    ("governance.User", "model right right right 403"),
    ("governance.GovernanceGenesis", NOTHING),
    ("governance.RiskDirectionRow", NOTHING),
    ("governance.ApiToken", NOTHING),
    ("governance.SecurityKey", NOTHING),
    ("disclosures.JurisdictionRule", NOTHING),
    ("disclosures.PublicationPolicy", "right right right right -"),
)
