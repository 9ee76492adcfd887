"""Signing in, in two steps, and out."""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from governance.access.demo_page import is_demo
from governance.access.forms import FactorForm, SignInForm
from governance.access.pending import next_page, pending_person, put_pending, take_challenge
from governance.access.second_factor import Accepted, FactorRefused, accept_code, accept_key, factor_text, has_factor
from governance.access.sessions import begin_session, forget_session
from governance.models import User


class SignIn(LoginView):
    """`/accounts/sign-in/`: name and password. Signs nobody in yet; leads to the second factor."""

    template_name = "registration/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True
    http_method_names = ["get", "post", "head", "options"]

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        return super().get_context_data(**kwargs) | {"is_demo": is_demo(self.request)}

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """The password is right: on to the second factor, or to enrolling one."""
        person = form.get_user()
        put_pending(self.request, person, self.get_redirect_url())
        return HttpResponseRedirect(reverse("second-factor" if has_factor(person) else "enrol"))


@method_decorator(never_cache, name="dispatch")
class SignOut(LogoutView):
    """`/accounts/sign-out/`, by POST only."""

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        forget_session(request.session.session_key)
        return super().post(request, *args, **kwargs)


@never_cache
@require_http_methods(["GET", "POST"])
def second_factor(request: HttpRequest) -> HttpResponse:
    """`/accounts/second-factor/`: a code, a recovery code or a security key of who gave the password."""
    person = pending_person(request)
    if person is None:
        return HttpResponseRedirect(reverse("login"))
    if not has_factor(person):
        return HttpResponseRedirect(reverse("enrol"))
    form = FactorForm(request.POST) if request.method == "POST" else FactorForm()
    if request.method == "POST" and form.is_valid():
        try:
            accepted = _accept(request, person, form)
        except FactorRefused as problem:
            form.add_error(None, factor_text(problem))
        else:
            return signed_in(request, person, accepted)
    has_key = person.security_keys.filter(revoked_at=None).exists()
    context = {"form": form, "has_key": has_key, "has_app": hasattr(person, "totp_device"), "is_demo": is_demo(request)}
    return render(request, "registration/second_factor.html", context, status=422 if form.errors else 200)


def signed_in(request: HttpRequest, person: User, accepted: Accepted) -> HttpResponse:
    """Begin the session, and go where the person wanted to."""
    wanted = next_page(request)
    begin_session(request, person, accepted.method)
    return HttpResponseRedirect(wanted or reverse("desk"))


def _accept(request: HttpRequest, person: User, form: FactorForm) -> Accepted:
    now = datetime.now(UTC)
    if not form.cleaned_data["assertion"]:
        return accept_code(person, form.cleaned_data["code"], now, is_recovery_good=True)
    challenge = take_challenge(request)
    if challenge is None:
        raise FactorRefused("refused")
    return accept_key(person, form.cleaned_data["assertion"], challenge, now)


def sign_in_for_records(request: HttpRequest) -> HttpResponseRedirect:
    """`/admin/login/`: the one door to sign in is the portal's; who is signed in and still sent here may not read the records."""
    if request.user.is_authenticated:
        raise PermissionDenied
    return HttpResponseRedirect(f"{reverse('login')}?{request.GET.urlencode()}")
