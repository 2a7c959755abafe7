import { type Redact, Transform } from "@callstream/core"
import { KeyedHash } from "@callstream/node"
import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"

describe("KeyedHash", () => {
  const one = KeyedHash.make(Redacted.make("a key of one"))
  const other = KeyedHash.make(Redacted.make("a key of another"))

  it("is the HMAC that other programs compute", () => {
    // printf phone:+14155550123 | openssl dgst -sha256 -hmac 'a key of one'
    assert.strictEqual(one.hash("phone:+14155550123"), "3376aa5658b30137883cd7c3884e2222")
  })

  it("joins what is the same under one key, and nothing under two", () => {
    const out = (hash: Redact.KeyedHash, callerNumber: string) =>
      Transform.redact(Transform.identity<{ readonly callerNumber: string }>(), { phone: hash }).apply({ callerNumber })
        ?.callerNumber
    assert.strictEqual(out(one, "+1 (415) 555-0123"), out(one, "0014155550123"))
    assert.notStrictEqual(out(one, "+14155550123"), out(other, "+14155550123"))
    assert.match(out(one, "+14155550123") ?? "", /^phone_[0-9a-f]{32}$/)
  })

  it("distinguishes keys without showing them", () => {
    assert.notStrictEqual(one.fingerprint, other.fingerprint)
    const { label } = Transform.redact(Transform.sessions, { phone: one })
    assert.strictEqual(label, `redact phone=hash:${one.fingerprint}`)
    assert.notInclude(label, "a key")
  })
})
