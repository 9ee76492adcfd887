from __future__ import annotations

from tests.review.desk import DEX, CEX


def test_smoke(desk, door):
    p = desk.propose()
    for name in ("opal", "anna", "gus"):
        c = door(name)
        for a in ("/desk/", "/desk/review/", "/desk/review/all/", f"/desk/review/new/?market={DEX}&market={CEX}", f"/desk/review/{p.pk}/", f"/desk/review/{p.pk}/edit/", f"/desk/review/{p.pk}/story.json", f"/desk/review/versions/{DEX}/", "/desk/notifications/", "/desk/notifications/deliveries/", f"/desk/widen/{DEX}/"):
            r = c.get(a)
            print(name, a, r.status_code, len(r.content))
    r = door("opal").post(f"/desk/review/{p.pk}/preview/", {"idempotency_key": "k1"}, follow=True)
    print(r.status_code); open("/tmp/p.html","w").write(r.content.decode())
    assert 0
