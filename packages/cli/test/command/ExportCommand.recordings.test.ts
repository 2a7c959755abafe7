/** `--recordings`, as people use it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { alongside, callstream, folder, lines, server, simulation, until } from "../Callstream.ts"

const indexOf = (folder: string) => lines(readFileSync(join(folder, "index.ndjson"), "utf8"))

/** The ids of calls with a recording, of a file of calls. */
const recordedIn = (file: string): ReadonlyArray<string> =>
  lines(readFileSync(file, "utf8"))
    .filter(({ recordingUrl }) => typeof recordingUrl === "string" && recordingUrl !== "")
    .map(({ id }) => String(id))
    .sort()

const idsIn = (folder: string): ReadonlyArray<string> =>
  indexOf(folder)
    .map(({ session }) => String(session))
    .sort()

describe("--recordings", alongside, () => {
  it.live("keeps the audio of each call once, says how many, and what a coverage report has of it", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation({ sessions: 150, recordingsUrl: "here", faultRate: 0.05 })
      const args = ["export", "--to", "calls.ndjson", "--recordings", "audio", "--recordings-rate", "500"]
      const first = yield* run([...args, "--coverage", "coverage.json"], { cwd })
      assert.strictEqual(first.code, 0, first.stderr)
      const recorded = recordedIn(join(cwd, "calls.ndjson"))
      const { length: count } = recorded
      assert.isAbove(count, 30)
      assert.include(first.stderr, `\n  ${count} of ${count} recordings in audio\n`)
      assert.deepStrictEqual(idsIn(join(cwd, "audio")), recorded)
      for (const { file, path, session, sha256, size, type } of indexOf(join(cwd, "audio"))) {
        const bytes = readFileSync(join(cwd, "audio", String(file)))
        assert.strictEqual(createHash("sha256").update(bytes).digest("hex"), sha256)
        assert.deepStrictEqual([bytes.length, type], [size, "audio/wav"])
        assert.strictEqual(path, `/v1/calls/${String(session)}/recording`)
      }
      const coverage: unknown = JSON.parse(readFileSync(join(cwd, "coverage.json"), "utf8"))
      assert.deepInclude(coverage, { recordings: { of: count, kept: count, failed: {} } })
      const asked = () => simulator.requests.filter(({ outcome }) => outcome === "recording").length
      const before = asked()
      const again = yield* run([...args, "--force", "--json"], { cwd })
      assert.deepInclude(lines(again.stdout)[0], {
        recordings: { of: count, kept: count, fetched: 0, bytes: 0, missed: 0, failed: {} }
      })
      assert.strictEqual(asked(), before)
    })
  )

  it.live(
    "a run that is killed and resumed has the recordings of all calls, with masked numbers and chosen columns",
    () =>
      Effect.gen(function* () {
        const cwd = yield* folder
        const { run, simulator, start } = yield* simulation({
          sessions: 300,
          recordingsUrl: "here",
          latency: "5 millis"
        })
        const args = [
          "export",
          "--name",
          "n",
          "--to",
          "calls.csv",
          "--recordings",
          "audio",
          "--recordings-rate",
          "1000"
        ]
        const chosen = [...args, "--select", "id", "--redact", "phone", "--commit-every", "0ms", "--page-size", "20"]
        yield* Effect.scoped(
          Effect.gen(function* () {
            const { child } = yield* start(chosen, { cwd })
            yield* until(() => simulator.requests.filter(({ outcome }) => outcome === "recording").length > 40)
            child.kill("SIGKILL")
          })
        )
        const second = yield* run(chosen, { cwd })
        assert.strictEqual(second.code, 0, second.stderr)
        yield* run(["export", "--to", "all.ndjson"], { cwd })
        assert.deepStrictEqual(idsIn(join(cwd, "audio")), recordedIn(join(cwd, "all.ndjson")))
        assert.isEmpty(readdirSync(join(cwd, "audio")).filter((name) => /partial|lock/.test(name)))
      })
  )

  it.live("asks no other private address unless that is allowed, and never with the key", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const store = yield* server((_, response) => response.end(`ID3\u0004${" sound".repeat(400)}`))
      const { run } = yield* simulation({ sessions: 40, recordingsUrl: store.url })
      const args = ["export", "--recordings", "audio", "--recordings-rate", "1000", "--force"]
      const refused = yield* run([...args, "--strict", "--to", "calls.ndjson"], { cwd })
      const { length: count } = recordedIn(join(cwd, "calls.ndjson"))
      assert.include(
        refused.stderr,
        `0 of ${count} recordings in audio; ${count} were at an address that is not allowed`
      )
      assert.strictEqual(refused.code, 3)
      assert.isEmpty(store.requests)
      const allowed = yield* run([...args, "--recordings-private-hosts", "--to", "calls.ndjson"], { cwd })
      assert.include(allowed.stderr, `${count} of ${count} recordings in audio`)
      assert.strictEqual(allowed.code, 0)
      assert.lengthOf(store.requests, count)
      for (const { headers } of store.requests) assert.notProperty(headers, "x-api-key")
      const small = ["export", "--to", "-", "--recordings", "small", "--recordings-size", "1KB", "--json"]
      const { stderr } = yield* run([...small, "--recordings-private-hosts"], { cwd })
      assert.deepInclude(lines(stderr)[0], {
        recordings: { of: count, kept: 0, fetched: 0, bytes: 0, missed: count, failed: { tooLarge: count } }
      })
    })
  )

  it.live("a sync keeps those of new calls, in one folder that one run has at a time", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator, start } = yield* simulation({ sessions: 60, span: "20 days", recordingsUrl: "here" })
      const args = ["sync", "--since", "60d", "--to", "sqlite:calls.db", "--recordings", "audio"]
      const first = yield* run([...args, "--recordings-rate", "1000"], { cwd })
      assert.strictEqual(first.code, 0, first.stderr)
      yield* run(["export", "--to", "all.ndjson"], { cwd })
      const recorded = recordedIn(join(cwd, "all.ndjson"))
      assert.deepStrictEqual(idsIn(join(cwd, "audio")), recorded)
      assert.include(first.stderr, `\n${recorded.length} of ${recorded.length} recordings in audio\n`)
      const asked = simulator.requests.filter(({ outcome }) => outcome === "recording").length
      const second = yield* run([...args, "--json"], { cwd })
      assert.property(lines(second.stdout)[0], "recordings")
      assert.strictEqual(simulator.requests.filter(({ outcome }) => outcome === "recording").length, asked)
      const follower = yield* start([...args, "--follow"], { cwd })
      yield* until(() => existsSync(join(cwd, "audio", "index.ndjson.lock")))
      const other = yield* run(["export", "--to", "x.ndjson", "--recordings", "audio"], { cwd })
      follower.child.kill("SIGTERM")
      yield* follower.ended
      assert.strictEqual(other.code, 2, other.stderr)
      assert.match(other.stderr, /audio\/index\.ndjson.* is being written by another run/)
    })
  )

  it.live("a sync retries what was not there yet, and counts the whole folder", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const state = { isReady: false }
      const expired = (path: string | undefined) => /[0-3]\/recording/.test(path ?? "")
      const store = yield* server(({ url }, response) => {
        if (expired(url)) return response.writeHead(403).end()
        if (!state.isReady) return response.writeHead(404).end()
        response.end(`ID3\u0004${" sound".repeat(400)}`)
      })
      const { run } = yield* simulation({ sessions: 60, span: "20 days", recordingsUrl: store.url })
      const args = ["sync", "--since", "60d", "--to", "sqlite:calls.db", "--recordings", "audio"]
      const pass = [...args, "--recordings-rate", "1000", "--recordings-private-hosts"]
      const first = yield* run(pass, { cwd })
      assert.strictEqual(first.code, 0, first.stderr)
      const all = indexOf(join(cwd, "audio"))
      const final = all.filter(({ failed }) => failed === "expired").length
      const links = final === 1 ? "link" : "links"
      const count = all.length
      assert.isTrue(final > 0 && final < count)
      assert.include(
        first.stderr,
        `\n0 of ${count} recordings in audio; ${final} ${links} had expired, ${count - final} were`
      )
      state.isReady = true
      const asked = store.requests.length
      const second = yield* run(pass, { cwd })
      assert.include(
        second.stderr,
        `\n${count - final} of ${count} recordings in audio; ${final} ${links} had expired\n`
      )
      assert.strictEqual(store.requests.length, asked + count - final)
      assert.isEmpty(store.requests.slice(asked).filter(({ url }) => expired(url)))
      const third = yield* run([...pass, "--json"], { cwd })
      assert.deepInclude(lines(third.stdout)[0], {
        recordings: { of: count, kept: count - final, fetched: 0, bytes: 0, missed: 0, failed: { expired: final } }
      })
    })
  )

  it.live("with --strict a run answers for itself, and one with a name for the whole folder", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const state = { isReady: false }
      const store = yield* server((_, response) =>
        state.isReady ? response.end(`ID3\u0004${" sound".repeat(400)}`) : response.writeHead(403).end()
      )
      const { run } = yield* simulation({ sessions: 60, recordingsUrl: store.url })
      const end = new Date(Date.now() - 3 * 3600_000).toISOString()
      const some = ["export", "--until", end, "--recordings", "audio", "--recordings-private-hosts"]
      const strict = [...some, "--recordings-rate", "1000", "--strict", "--to"]
      assert.strictEqual((yield* run([...strict, "all.ndjson"], { cwd })).code, 3)
      state.isReady = true
      // No call of this run has a recording, so all failures are those of the earlier one.
      const none = ["--where", 'id == "x"']
      const later = yield* run([...strict, "none.ndjson", ...none], { cwd })
      assert.strictEqual(later.code, 0, later.stderr)
      assert.match(later.stderr, /\n {2}0 of \d+ recordings in audio; \d+ links had expired\n/)
      assert.strictEqual((yield* run([...strict, "named.ndjson", ...none, "--name", "n"], { cwd })).code, 3)
      const whole = yield* run([...strict, "all.ndjson", "--force"], { cwd })
      assert.match(whole.stderr, /\n {2}(\d+) of \1 recordings in audio\n/)
      assert.strictEqual(whole.code, 0)
    })
  )

  it.live("refuses what contradicts it, before any request", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const at = (...args: ReadonlyArray<string>) =>
        callstream(["export", "--base-url", "http://127.0.0.1:9", ...args], { cwd })
      const redacted = yield* at("--recordings", "audio", "--redact", "phone,recording=drop")
      assert.deepStrictEqual(
        [redacted.code, redacted.stderr.split("\n")[0]],
        [2, "error: --recordings cannot be combined with --redact recording=drop"]
      )
      const alone = yield* at("--recordings-rate", "5")
      assert.include(alone.stderr, "--recordings-rate needs --recordings")
      writeFileSync(join(cwd, "file"), "")
      const notAFolder = yield* at("--recordings", "file", "--to", "calls.ndjson")
      assert.notStrictEqual(notAFolder.code, 0)
      assert.match(notAFolder.stderr, /^error: file: /m)
    })
  )
})
