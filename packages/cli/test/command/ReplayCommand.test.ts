/** Dead letters, sent again. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { alongside, callstream, folder, idsOf, lines, records, server, simulation } from "../Callstream.ts"
import * as Receiver from "../torture/KillReceiver.ts"

const env = { CALLSTREAM_WEBHOOK_SECRET: "whsec_bm8gc2VjcmV0LCBqdXN0IGEgdGVzdCdzIGtleSE=" }
const text = (...path: ReadonlyArray<string>) => readFileSync(join(...path), "utf8")

/** 300 calls became dead letters, because a receiver refused them that takes them from now on. */
const refusedOnce = Effect.fnUntraced(function* (cwd: string) {
  const { run, start, simulator } = yield* simulation({ sessions: 300, undated: 0 })
  const never = new Set(simulator.truth().map(({ id }) => id))
  const receiver = yield* Receiver.make({ refuses: (id) => never.has(id) })
  const to = ["--to", receiver.url, "--allow-private-hosts"]
  const all = ["--max-dead-letters", "100", "--dead-letters", "dead.ndjson"]
  const exported = yield* run(["export", ...to, ...all], { cwd, env })
  assert.strictEqual(exported.code, 0, exported.stderr)
  never.clear()
  return { receiver, run, start, to }
})

describe("callstream replay", alongside, () => {
  it.live("sends what a webhook had refused, once, and leaves what it refuses again", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation({ sessions: 60, undated: 0 })
      const [one = "", two = "", three = ""] = simulator.truth().map(({ id }) => id)
      const never = new Set([one, two, three])
      const receiver = yield* Receiver.make({ refuses: (id) => never.has(id) })
      const to = ["--to", receiver.url, "--allow-private-hosts"]
      const exported = yield* run(["export", ...to, "--dead-letters", "dead.ndjson"], { cwd, env })
      assert.strictEqual(exported.code, 0)
      assert.match(exported.stderr, /^57 calls to /)
      assert.include(exported.stderr, "  3 records rejected: see dead.ndjson\n")
      const letters = lines(text(cwd, "dead.ndjson"))
      assert.deepStrictEqual(new Set(letters.map(({ row }) => (row as { readonly id: string }).id)), never)
      for (const letter of letters) {
        assert.deepInclude(letter, { stage: "sink", reason: "the receiver will not take it (422)" })
      }

      never.delete(one)
      never.delete(two)
      const replay = ["replay", "dead.ndjson", ...to]
      const first = yield* run(replay, { cwd, env })
      assert.strictEqual(first.code, 3)
      assert.strictEqual(first.stderr, "2 dead letters replayed, 1 left in dead.ndjson\n")
      const taken = receiver.events.slice(-2)
      assert.deepStrictEqual(taken.map(({ sessionId }) => sessionId).sort(), [one, two].sort())
      // Whoever keeps the newest version of a session compares these.
      for (const { organization, sequence, sessionId } of taken) {
        const letter = letters.find(({ row }) => (row as { readonly id: string }).id === sessionId)
        assert.deepStrictEqual(
          { organization, sequence },
          { organization: simulator.organizationId, sequence: letter?.["observedAt"] }
        )
      }

      never.delete(three)
      const second = yield* run(replay, { cwd, env })
      assert.strictEqual(second.code, 0)
      assert.strictEqual(second.stderr, "1 dead letter replayed, 0 left in dead.ndjson\n")
      const before = receiver.messages.length
      const third = yield* run(replay, { cwd, env })
      assert.strictEqual(third.code, 0)
      assert.strictEqual(third.stderr, "no dead letters are left in dead.ndjson: 3 were replayed before\n")
      assert.strictEqual(receiver.messages.length, before)
      assert.strictEqual(lines(text(cwd, "dead.ndjson")).length, 6)
    })
  )

  it.live("what arrived is marked although the replay was killed, or failed, and is not sent again", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { receiver, run, start, to } = yield* refusedOnce(cwd)
      const letters = lines(text(cwd, "dead.ndjson"))
      assert.strictEqual(letters.length, 300)
      const marked = () => lines(text(cwd, "dead.ndjson")).filter(({ replayed }) => replayed !== undefined).length
      const times = () => {
        const counts = new Map<string, number>()
        for (const { sessionId } of receiver.events) counts.set(sessionId, (counts.get(sessionId) ?? 0) + 1)
        return counts
      }
      const replay = ["replay", "dead.ndjson", ...to]

      const killed = yield* start(replay, { cwd, env })
      receiver.set({ phase: "before", nth: 2, kill: () => void killed.child.kill("SIGKILL") })
      yield* killed.ended
      receiver.set(undefined)
      const afterKill = marked()
      assert.isAbove(afterKill, 0)
      assert.isBelow(afterKill, 300)
      const safe = [...times()].filter(([, count]) => count === 1).length
      assert.isAbove(safe, afterKill)

      const from = receiver.messages.length
      receiver.answerFrom(from + 1, 401)
      const failed = yield* run(replay, { cwd, env })
      assert.strictEqual(failed.code, 1)
      assert.match(failed.stderr, /^\d+ dead letters? replayed and marked in dead\.ndjson before that\n/m)
      assert.isAbove(marked(), afterKill)

      receiver.answerFrom(Infinity, 401)
      const left = 300 - marked()
      const last = yield* run(replay, { cwd, env })
      assert.strictEqual(last.stderr, `${left} dead letters replayed, 0 left in dead.ndjson\n`)
      assert.strictEqual(last.code, 0)
      assert.strictEqual(marked(), 300)
      assert.strictEqual(times().size, 300)
      // Only what was on its way at the kill came again.
      assert.isAtMost(Math.max(...times().values()), 2)
      assert.strictEqual([...times().values()].filter((count) => count === 2).length, safe - afterKill)
    })
  )

  it.live("a replay that was killed writes its file again, and marks none of its letters", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { receiver, run, start, to } = yield* refusedOnce(cwd)
      const before = text(cwd, "dead.ndjson")
      const replay = ["replay", "dead.ndjson", ...to, "--to", "again.ndjson"]
      const killed = yield* start(replay, { cwd, env })
      receiver.set({ phase: "before", nth: 3, kill: () => void killed.child.kill("SIGKILL") })
      yield* killed.ended
      receiver.set(undefined)
      assert.strictEqual(text(cwd, "dead.ndjson"), before)
      const { code, stderr } = yield* run(replay, { cwd, env })
      assert.strictEqual(code, 0, stderr)
      assert.strictEqual(new Set(idsOf(text(cwd, "again.ndjson"))).size, 300)
      assert.strictEqual(lines(text(cwd, "dead.ndjson")).length, 600)
    })
  )

  it.live("leaves what still cannot be read, and marks what went to a file", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const odd = { id: true }
      const { url } = yield* server(records([{ id: "one" }, odd, { no: "two", durationSec: 90 }]))
      const exported = yield* callstream(["export", "--walk", "pages", "--to", "calls.ndjson"], {
        cwd,
        env: { AGNI_BASE_URL: url }
      })
      assert.strictEqual(exported.code, 0)
      const name = "calls.ndjson.dead-letters.ndjson"
      const letters = text(cwd, name)
      assert.strictEqual(lines(letters).length, 2)
      const again = yield* callstream(["replay", name, "--to", "again.ndjson"], { cwd })
      assert.strictEqual(again.code, 3)
      assert.strictEqual(again.stderr, `0 dead letters replayed, 2 left in ${name}\n`)
      assert.strictEqual(text(cwd, name), letters)

      // As if a new version could read it: the record is mended by hand.
      writeFileSync(join(cwd, name), `${letters.replace('"no"', '"id"')}{"letter":"torn`)
      const mended = yield* callstream(["replay", name, "--to", "mended.ndjson", "--select", "id,durationSec"], { cwd })
      assert.strictEqual(mended.code, 3)
      assert.match(mended.stderr, /^1 dead letter replayed, 1 left in .*\n {2}1 line of it could not be read: /)
      assert.deepStrictEqual(lines(text(cwd, "mended.ndjson")), [{ id: "two", durationSec: 90 }])
      const stdout = yield* callstream(["replay", name], { cwd })
      assert.strictEqual(stdout.code, 3)
      assert.deepStrictEqual(idsOf(stdout.stdout), [])
    })
  )

  it.live("sends a refused row as it was made, and refuses what would read what was redacted", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const digits = "4155550123"
      const { url } = yield* server(
        records([
          { id: `call-${digits}`, callerNumber: `+1${digits}`, summary: `from ${digits}`, status: "completed" },
          { callerNumber: `+1${digits}`, note: `+1${digits}`, status: "completed" },
          { id: "other", callerNumber: `+1${digits}`, status: "completed" }
        ])
      )
      const keys = { ...env, AGNI_BASE_URL: url, CALLSTREAM_REDACT_KEY: "a key of a test, long enough" }
      const never = new Set([`call-${digits}`])
      const receiver = yield* Receiver.make({ refuses: (id) => never.has(id) })
      const to = ["--to", receiver.url, "--allow-private-hosts"]
      const redact = ["--redact", "phone=hash"]
      const put = ["export", "--walk", "pages", ...to, "--max-dead-letters", "100", "--select", "id,summary"]
      const exported = yield* callstream([...put, ...redact, "--dead-letters", "dead.ndjson"], { cwd, env: keys })
      assert.strictEqual(exported.code, 0, exported.stderr)
      const letters = lines(text(cwd, "dead.ndjson"))
      assert.strictEqual(letters.length, 2)
      for (const letter of letters) assert.notInclude(JSON.stringify({ ...letter, id: "" }), digits)

      const where = yield* callstream(["replay", "dead.ndjson", ...to, "--where", 'callerNumber != "+1"'], {
        cwd,
        env: keys
      })
      assert.strictEqual(where.code, 2)
      assert.include(where.stderr, "reads callerNumber, which was redacted in the file")
      const otherwise = yield* callstream(["replay", "dead.ndjson", ...to, "--redact", "phone"], { cwd, env: keys })
      assert.strictEqual(otherwise.code, 2)
      assert.include(otherwise.stderr, "redacted in another way")

      never.clear()
      const same = ["replay", "dead.ndjson", ...to, ...redact, "--where", 'status == "completed"']
      const replayed = yield* callstream(same, { cwd, env: keys })
      assert.strictEqual(replayed.code, 3, replayed.stderr)
      assert.strictEqual(replayed.stderr, "1 dead letter replayed, 1 left in dead.ndjson\n")
      const refused = letters.find(({ stage }) => stage === "sink")
      const [sent] = receiver.events.slice(-1)
      assert.strictEqual(sent?.sessionId, `call-${digits}`)
      assert.deepStrictEqual(sent?.data, refused?.["row"])

      const raw = [...put, ...redact, "--dead-letters", "raw.ndjson", "--dead-letters-raw"]
      never.add(`call-${digits}`)
      const kept = yield* callstream(raw, { cwd, env: keys })
      assert.include(kept.stderr, "warning: raw.ndjson keeps rejected records with the personal data")
      for (const letter of lines(text(cwd, "raw.ndjson"))) assert.include(JSON.stringify(letter), `"+1${digits}"`)
    })
  )

  it.live("marks nothing when it is refused, or its sink fails", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation({ sessions: 30 })
      const [one = ""] = simulator.truth().map(({ id }) => id)
      const receiver = yield* Receiver.make({ refuses: (id) => id === one })
      const to = ["--to", receiver.url, "--allow-private-hosts"]
      yield* run(["export", ...to, "--dead-letters", "dead.ndjson"], { cwd, env })
      const letters = text(cwd, "dead.ndjson")
      assert.strictEqual(lines(letters).length, 1)
      receiver.answer(401)
      const failed = yield* run(["replay", "dead.ndjson", ...to], { cwd, env })
      assert.strictEqual(failed.code, 1)
      assert.include(failed.stderr, "Check that both sides have the same secret.")
      const missing = yield* run(["replay", "none.ndjson"], { cwd })
      assert.strictEqual(missing.code, 2)
      assert.match(missing.stderr, /^error: none\.ndjson: /)
      assert.strictEqual(text(cwd, "dead.ndjson"), letters)
    })
  )
})
