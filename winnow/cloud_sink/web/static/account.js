// Who looks at the page, and the way out.

import { byId, setText } from "./dom.js";

/** Show who is logged in. */
export async function showAccount() {
  const response = await fetch("/api/me").catch(() => null);
  if (!response?.ok) return;
  const me = await response.json();
  const account = byId("account");
  setText(account.querySelector(".note"), me.name);
  account.querySelector("button").addEventListener("click", () => logOut(me.csrf));
  account.hidden = false;
}

async function logOut(csrf) {
  await fetch("/logout", { method: "POST", headers: { "X-CSRF-Token": csrf } }).catch(() => null);
  location.assign("/login");
}

/** The session is over: go to the login, and come back to the same filters. */
export function logInAgain() {
  location.assign(location.search ? `/login?next=${encodeURIComponent(`/${location.search}`)}` : "/login");
}
