import type { CallSession } from "@callstream/core/model/CallSession"
import * as Transform from "@callstream/core/transform/Transform"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import * as TestClock from "effect/testing/TestClock"
import * as MemoryFileSystem from "../sink/file/MemoryFileSystem.ts"
import { type Answer, audio, call, linesOf, nameOf, opened, ticking, wav } from "./Folder.ts"

describe("Recordings", () => {
  it.effect("keeps each under the hash of its content, with a line in the index", () =>
    Effect.gen(function* () {
      const memory = MemoryFileSystem.make()
      const answer: Answer = ({ pathname }) => audio(pathname === "/2" ? "two" : "one")
      yield* opened(memory, answer, (recordings) =>
        Effect.gen(function* () {
          yield* ticking(
            recordings.keep([
              call("a", "https://files.test/1?token=canary"),
              call("b", "https://files.test/2?token=canary"),
              call("c", "https://files.test/3"),
              call("d"),
              call("e", null),
              call("f", "")
            ])
          )
          assert.deepInclude(recordings.counts(), { of: 3, kept: 3, fetched: 3, bytes: 3 * wav("one").length })
        })
      )
      assert.strictEqual(memory.text(`/d/recordings/${nameOf("one")}`), wav("one"))
      assert.strictEqual(memory.text(`/d/recordings/${nameOf("two")}`), wav("two"))
      const lines = linesOf(memory).toSorted((one, other) =>
        String(one["session"]).localeCompare(String(other["session"]))
      )
      assert.deepStrictEqual(
        lines.map(({ file, path, session, size, type }) => [session, path, file, size, type]),
        [
          ["a", "/1", nameOf("one"), wav("one").length, "audio/wav"],
          ["b", "/2", nameOf("two"), wav("two").length, "audio/wav"],
          ["c", "/3", nameOf("one"), wav("one").length, "audio/wav"]
        ]
      )
      assert.match(String(lines[0]?.["at"]), /^1970-01-01T00:0\d:\d\d(?:\.\d+)?Z$/)
      assert.notInclude(memory.text("/d/recordings/index.ndjson") ?? "", "canary")
      assert.isEmpty(memory.names().filter((name) => name.includes("partial")))
    })
  )

  it.effect("fetches each once, also after the process was killed while it wrote", () =>
    Effect.gen(function* () {
      const memory = MemoryFileSystem.make()
      const run = (ids: ReadonlyArray<string>, signature: string) =>
        opened(
          memory,
          ({ pathname }) => audio(pathname),
          (recordings, seen) =>
            Effect.gen(function* () {
              yield* ticking(recordings.keep(ids.map((id) => call(id, `https://files.test/${id}?token=${signature}`))))
              return { asked: seen.length, ...recordings.counts() }
            })
        )
      assert.deepInclude(yield* run(["a", "b"], "1"), { asked: 2, of: 2, kept: 2, fetched: 2 })
      const index = memory.node("/d/recordings/index.ndjson")
      index?.write(new TextEncoder().encode(`{"session":"c","path":"/${"c".repeat(2000)}`), index.data.length)
      memory.add("/d/recordings/recording-7.partial", "File", "half")
      assert.deepInclude(yield* run(["a", "b", "c"], "2"), { asked: 1, of: 3, kept: 3, fetched: 1 })
      assert.deepInclude(yield* run(["a", "b", "c"], "3"), { asked: 0, of: 3, kept: 3, fetched: 0 })
      assert.deepStrictEqual(
        linesOf(memory).map(({ session }) => session),
        ["a", "b", "c"]
      )
      assert.isEmpty(memory.names().filter((name) => name.includes("partial")))
      assert.match(memory.text("/d/recordings/index.ndjson") ?? "", /\}\n$/)
      // Another recording of the same call.
      yield* opened(
        memory,
        () => audio("new"),
        (recordings) =>
          Effect.gen(function* () {
            yield* ticking(recordings.keep([call("a", "https://files.test/again")]))
            assert.deepInclude(recordings.counts(), { of: 3, kept: 3, fetched: 1 })
          })
      )
    })
  )

  it.effect("counts what cannot be had, by its reason, and tries again what may pass", () =>
    Effect.gen(function* () {
      const memory = MemoryFileSystem.make()
      const html = () => new Response("<html>sign in</html>", { headers: { "content-type": "text/html" } })
      const answers: Readonly<Record<string, (number: number) => Response>> = {
        "/expired": () => new Response("<Error>expired</Error>", { status: 403 }),
        "/gone": () => new Response("", { status: 404 }),
        "/page": html,
        "/disguised": () => new Response("<html>", { headers: { "content-type": "audio/mpeg" } }),
        "/empty": () => new Response("", { headers: { "content-type": "audio/mpeg" } }),
        "/large": () => audio("x".repeat(1000)),
        "/announced": () => new Response(wav("x"), { headers: { "content-length": "100000" } }),
        "/down": () => new Response("", { status: 503 }),
        "/passes": (number) =>
          number <= 2 ? new Response("", { status: 429, headers: { "retry-after": "3" } }) : audio("late")
      }
      const counts = new Map<string, number>()
      const answer: Answer = ({ pathname }) => {
        const number = (counts.get(pathname) ?? 0) + 1
        counts.set(pathname, number)
        return answers[pathname]?.(number) ?? audio("?")
      }
      yield* opened(
        memory,
        answer,
        (recordings) =>
          Effect.gen(function* () {
            const links = [
              ...Object.keys(answers).map((path) => `https://files.test${path}`),
              "ftp://x/y",
              "https://u:p@files.test/"
            ]
            yield* ticking(recordings.keep(links.map((link, at) => call(String(at), link))))
            assert.deepStrictEqual<unknown>(recordings.counts(), {
              of: 11,
              kept: 1,
              fetched: 1,
              bytes: wav("late").length,
              missed: 10,
              failed: { expired: 1, missing: 3, notAudio: 3, tooLarge: 2, forbiddenHost: 0, unavailable: 1 }
            })
          }),
        { maxBytes: 500 }
      )
      assert.strictEqual(counts.get("/passes"), 3)
      assert.strictEqual(counts.get("/down"), 4)
      assert.strictEqual(counts.get("/page"), 1)
      assert.isEmpty(memory.names().filter((name) => name.includes("partial")))
      assert.strictEqual(linesOf(memory).filter(({ failed }) => failed !== undefined).length, 10)
    })
  )

  it.effect("sends the key to the origin of the API alone, at each step of a redirect", () =>
    Effect.gen(function* () {
      const memory = MemoryFileSystem.make()
      const redirect = (to: string) => new Response("", { status: 302, headers: { location: to } })
      const answer: Answer = ({ href }) => {
        if (href === "https://api.test/one") return redirect("https://files.test/one")
        if (href === "https://files.test/two") return redirect("https://api.test/back")
        if (href === "https://api.test/json") {
          return Response.json({ success: true, data: { url: "https://files.test/json?signed=1" } })
        }
        if (href === "https://files.test/loop") return redirect("/loop")
        if (href === "https://files.test/file") return redirect("file:///etc/passwd")
        return audio(href)
      }
      yield* opened(memory, answer, (recordings, seen) =>
        Effect.gen(function* () {
          for (const link of [
            "/one",
            "https://files.test/two",
            "/json",
            "https://api.test:444/x",
            "https://files.test/loop",
            "https://files.test/file"
          ]) {
            yield* ticking(recordings.keep([call(link, link)]))
          }
          const key = "canary-key"
          assert.deepStrictEqual(seen.slice(0, 7), [
            { url: "https://api.test/one", key },
            { url: "https://files.test/one", key: undefined },
            { url: "https://files.test/two", key: undefined },
            { url: "https://api.test/back", key },
            { url: "https://api.test/json", key },
            { url: "https://files.test/json?signed=1", key: undefined },
            { url: "https://api.test:444/x", key: undefined }
          ])
          assert.deepInclude(recordings.counts(), { of: 6, fetched: 4 })
          assert.deepInclude(recordings.counts().failed, { missing: 1, forbiddenHost: 1 })
          assert.lengthOf(seen, 7 + 6 + 1)
        })
      )
    })
  )

  it.effect("sends the key that is right when a recording is fetched", () =>
    Effect.gen(function* () {
      const memory = MemoryFileSystem.make()
      const key = yield* Ref.make("first")
      yield* opened(
        memory,
        ({ pathname }) => audio(pathname),
        (recordings, seen) =>
          Effect.gen(function* () {
            yield* ticking(recordings.keep([call("a", "https://api.test/1")]))
            yield* Ref.set(key, " second\n")
            yield* ticking(recordings.keep([call("b", "https://api.test/2")]))
            assert.deepStrictEqual(
              seen.map(({ key }) => key),
              ["first", "second"]
            )
          }),
        { apiKey: Effect.map(Ref.get(key), Redacted.make) }
      )
    })
  )

  it.effect("waits no longer than half a minute for a server that falls silent", () =>
    Effect.gen(function* () {
      const memory = MemoryFileSystem.make()
      // The beginning of a recording, and then nothing, on an open connection.
      const silent = () =>
        new ReadableStream<Uint8Array>({ start: (body) => body.enqueue(new TextEncoder().encode(wav("begin"))) })
      yield* opened(
        memory,
        ({ pathname }) =>
          pathname === "/1" ? new Response(silent(), { headers: { "content-type": "audio/wav" } }) : audio("two"),
        (recordings) =>
          Effect.gen(function* () {
            yield* ticking(recordings.keep([call("a", "https://files.test/1"), call("b", "https://files.test/2")]))
            const { failed, kept } = recordings.counts()
            assert.deepInclude(failed, { unavailable: 1 })
            assert.strictEqual(kept, 1)
          })
      )
    })
  )

  it.effect("asks for no more a second than it may", () =>
    Effect.gen(function* () {
      const memory = MemoryFileSystem.make()
      yield* opened(
        memory,
        ({ pathname }) => audio(pathname),
        (recordings, seen) =>
          Effect.gen(function* () {
            const calls = Array.from({ length: 9 }, (_, at) => call(`s${at}`, `https://files.test/${at}`))
            const fiber = yield* Effect.forkChild(recordings.keep(calls))
            yield* TestClock.adjust("1900 millis")
            assert.lengthOf(seen, 4)
            yield* TestClock.adjust("10 seconds")
            yield* Fiber.join(fiber)
            assert.lengthOf(seen, 9)
          }),
        { perSecond: 2, concurrency: 8 }
      )
    })
  )

  it.effect("keeps those of the calls that a transform lets through, and fails with the disk", () =>
    Effect.gen(function* () {
      const memory = MemoryFileSystem.make()
      yield* opened(
        memory,
        ({ pathname }) => audio(pathname),
        (recordings, seen) =>
          Effect.gen(function* () {
            const long = Transform.sessions.pipe(
              Transform.where("long", ({ durationSec }) => (durationSec ?? 0) > 60),
              Transform.select(["id"])
            )
            const before = recordings.before(long)
            assert.strictEqual(before.label, long.label)
            const calls = [10, 100].map((durationSec): CallSession => ({
              id: `s${durationSec}`,
              recordingUrl: `https://files.test/${durationSec}`,
              durationSec
            }))
            assert.deepStrictEqual<unknown>(yield* ticking(Transform.applyAll(before, calls)), [{ id: "s100" }])
            assert.deepStrictEqual(
              seen.map(({ url }) => url),
              ["https://files.test/100"]
            )
            memory.intercept(({ method, path }) =>
              method === "file.writeAll" ? Effect.fail(MemoryFileSystem.failed(method, path, "ENOSPC")) : Effect.void
            )
            const error = yield* Effect.flip(ticking(recordings.keep([call("x", "https://files.test/x")])))
            assert.strictEqual(error.reason._tag, "Full")
          })
      )
      assert.isEmpty(memory.names().filter((name) => name.includes("partial")))
    })
  )
})
