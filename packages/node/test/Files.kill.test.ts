/** A process that is killed, and the next one that goes on, until the file is there. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readXlsx } from "hucre/xlsx"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import { join } from "node:path"
import { gunzipSync, zstdDecompressSync } from "node:zlib"
import * as SinkStore from "./SinkStore.ts"

const count = 900

/** Ten rows a batch, a commit every third one, and the checkpoint as a file. */
const program = `
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as NdjsonSink from "@callstream/core/sink/NdjsonSink"
import * as XlsxSink from "@callstream/core/sink/XlsxSink"
import * as Deflate from "@callstream/node/Deflate"
import * as Gzip from "@callstream/node/Gzip"
import * as Zstd from "@callstream/node/Zstd"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Fs from "node:fs"
const [path, rotate, compression, checkpoint] = process.argv.slice(1)
const compressions = { gzip: Gzip.compression, zstd: Zstd.compression }
const saved = Fs.existsSync(checkpoint) ? JSON.parse(Fs.readFileSync(checkpoint, "utf8")) : undefined
const keep = (committed) => {
  Fs.writeFileSync(checkpoint + ".new", JSON.stringify(committed))
  Fs.renameSync(checkpoint + ".new", checkpoint)
}
const options = { path, rotate: rotate === "one" ? undefined : rotate === "day" ? "day" : { bytes: Number(rotate) } }
const sink = path.endsWith(".xlsx")
  ? XlsxSink.make({ ...options, deflater: Deflate.deflater, rowsPerSheet: 250 })
  : NdjsonSink.make({ ...options, compression: compressions[compression] })
const columns = [{ name: "id", type: "integer" }, { name: "text", type: "text" }]
// Over two days.
const step = 180_000_000
const begin = Date.parse("2026-07-30") * 1000
const run = Effect.gen(function* () {
  const writer = yield* sink.open(SessionSink.opening(Option.fromUndefinedOr(saved)))
  process.stdout.write("open")
  for (let row = saved === undefined ? 0 : (saved.at - begin) / step; row < ${count}; row += 10) {
    const items = Array.from({ length: Math.min(10, ${count} - row) }, (_, at) => ({
      id: String(row + at),
      start: begin + (row + at) * step,
      row: { id: row + at, text: "é".repeat(100) }
    }))
    yield* writer.write({ items, columns, observedAt: 0 })
    if (row % 30 === 0) keep(yield* writer.flush(begin + (row + 10) * step))
  }
  keep(yield* writer.flush(begin + ${count} * step))
  yield* writer.finish
})
await Effect.runPromise(Effect.provide(Effect.scoped(run), Layer.merge(NodeFileSystem.layer, NodePath.layer)))
`

/** The exit code; none when it was killed. */
const run = (args: ReadonlyArray<string>, killAfter: number | undefined) =>
  Effect.callback<{ code: number | null; stderr: string }>((resume) => {
    const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", program, ...args], {
      cwd: new URL("..", import.meta.url),
      stdio: ["ignore", "pipe", "pipe"]
    })
    let stderr = ""
    child.stderr.on("data", (chunk) => (stderr += String(chunk)))
    child.stdout.once("data", () => {
      if (killAfter !== undefined) setTimeout(() => child.kill("SIGKILL"), killAfter)
    })
    child.on("close", (code) => resume(Effect.succeed({ code, stderr })))
    return Effect.sync(() => child.kill("SIGKILL"))
  })

type Read = (bytes: Buffer) => Promise<ReadonlyArray<unknown>>

const lines =
  (decompress: (bytes: Buffer) => Buffer): Read =>
  (bytes) =>
    Promise.resolve(SinkStore.rowsIn(decompress(bytes).toString()).map((row) => Object(row).id))

const sheets: Read = async (bytes) =>
  (await readXlsx(bytes)).sheets.flatMap(({ rows: [, ...rows] }) => rows.map(([id]) => id))

describe("files of a process that is killed", () => {
  it.live.each([
    ["calls.ndjson", "one", "none", lines((bytes) => bytes)],
    ["calls.ndjson.gz", "2000", "gzip", lines(gunzipSync)],
    ["calls.ndjson.zst", "day", "zstd", lines(zstdDecompressSync)],
    ["calls.xlsx", "one", "none", sheets],
    ["calls.xlsx", "day", "none", sheets]
  ] as const)("%s by %s is continued until each row is there once", ([name, rotate, kind, idsIn]) =>
    Effect.scoped(
      Effect.gen(function* () {
        const folder = yield* SinkStore.folder
        const args = [join(folder, name), rotate, kind, join(folder, "checkpoint.json")]
        const read = (file: string) => Effect.promise(() => idsIn(Fs.readFileSync(join(folder, file))))
        for (const killAfter of [30, 45, undefined]) {
          const { code, stderr } = yield* run(args, killAfter)
          assert.strictEqual(stderr, "")
          if (code === 0) continue
          assert.isDefined(killAfter)
          // A kill may come after all was done and before the process ended: the name is then that of a complete file.
          if (Fs.existsSync(join(folder, name))) assert.lengthOf(yield* read(name), count)
        }
        const files =
          rotate === "one"
            ? [name]
            : (
                JSON.parse(Fs.readFileSync(join(folder, "calls.manifest.json"), "utf8")) as {
                  files: ReadonlyArray<{ name: string }>
                }
              ).files.map(({ name }) => name)
        const ids = (yield* Effect.forEach(files, read)).flat()
        assert.deepStrictEqual(
          ids.map(Number).sort((left, right) => left - right),
          Array.from({ length: count }, (_, id) => id)
        )
        assert.isEmpty(Fs.readdirSync(folder).filter((file) => file.includes("partial")))
      })
    )
  )
})
