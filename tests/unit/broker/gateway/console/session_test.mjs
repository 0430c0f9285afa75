// What a token says, and what a pattern covers: section 7 of the contract.
import assert from "node:assert/strict";
import test from "node:test";

globalThis.sessionStorage = {
  kept: new Map(),
  getItem: (name) => sessionStorage.kept.get(name) ?? null,
  setItem: (name, text) => sessionStorage.kept.set(name, text),
  removeItem: (name) => sessionStorage.kept.delete(name),
};
const session = await import("../../../../../broker/gateway/console/session.mjs");

const tokenOf = (claims) => `h.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.s`;

test("a pattern covers a namespace, a subtree, or everything but the broker's own", () => {
  const cases = [["a.b", "a.b", true], ["a.b", "a.b.c", false], ["a.**", "a", true], ["a.**", "a.b.c", true], ["a.**", "ab", false], ["**", "a", true], ["**", "_system.policy", false], ["a", "b", false]];
  for (const [pattern, ns, covered] of cases) assert.equal(session.covers(pattern, ns), covered, `${pattern} ${ns}`);
});

test("a token says beforehand where its holder may write; the broker's refusal counts more", () => {
  assert.deepEqual([session.principal(), session.mayWrite("a"), session.isAdmin()], [null, "yes", true]);
  session.logIn(tokenOf({ sub: "zoë", exp: 7, prismbus: { read: ["**"], write: ["a.**", 7] } }));
  assert.deepEqual([session.principal(), session.expiry(), session.isAdmin()], ["zoë", 7000, false]);
  assert.deepEqual(["a.b", "b", "_system.policy"].map(session.mayWrite), ["yes", "unsaid", "unsaid"]);
  session.insist("b");
  assert.equal(session.mayWrite("b"), "yes");
  session.writeDenied("b");
  assert.equal(session.mayWrite("b"), "no");
  session.writeDenied("a.b");
  assert.equal(session.mayWrite("a.b"), "no");
  session.logIn(tokenOf({ sub: "root", prismbus: { admin: ["**"] } }));
  assert.deepEqual([session.isAdmin(), session.mayWrite("_system.policy"), session.mayWrite("a.b")], [true, "yes", "unsaid"]);
  session.logOut();
  assert.deepEqual([session.token(), session.principal()], [null, null]);
});

test("what is no token has no claims", () => {
  for (const text of ["", "a", "a.b.c", "a.%.c", `a.${Buffer.from("7").toString("base64url")}.c`]) assert.equal(session.readClaims(text), null, text);
});
