/** Sinks on a real file system, in a folder of their own, for the conformance suite. */
import type { CallSession } from "@callstream/core/model/CallSession"
import * as NdjsonSink from "@callstream/core/sink/NdjsonSink"
import type { SessionSink } from "@callstream/core/sink/SessionSink"
import type { SinkConformance } from "@callstream/core/testing"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const platform = Layer.merge(NodeFileSystem.layer, NodePath.layer)

export const folder = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(join(tmpdir(), "callstream-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
)

export const provided = <A>({
  open,
  verify,
  ...sink
}: SessionSink<A, FileSystem.FileSystem | Path.Path>): SessionSink<A> => ({
  ...sink,
  open: (from) => Effect.provide(open(from), platform),
  verify: verify === undefined ? undefined : (left, opening) => Effect.provide(verify(left, opening), platform)
})

export const sinkAt = (options: NdjsonSink.Options): SessionSink<CallSession> => provided(NdjsonSink.file(options))

export interface Store extends SinkConformance.Store {
  readonly folder: string
}

export interface ManifestText {
  readonly complete: boolean
  readonly files: ReadonlyArray<{ readonly name: string; readonly rows: number; readonly bytes: number }>
}

export const rowsIn = (text: string): ReadonlyArray<unknown> => {
  if (text !== "" && !text.endsWith("\n")) throw new Error("the last line is torn")
  return text
    .split("\n")
    .slice(0, -1)
    .map((line): unknown => JSON.parse(line))
}

export const make = (name: string, options: Omit<NdjsonSink.Options, "path">, decompress: (bytes: Buffer) => Buffer) =>
  Effect.map(folder, (folder): Store => {
    const rowsOf = (file: string) => rowsIn(decompress(Fs.readFileSync(join(folder, file))).toString())
    return {
      folder,
      sink: sinkAt({ path: join(folder, name), ...options }),
      read: Effect.sync(() => {
        if (options.rotate === undefined) return Fs.existsSync(join(folder, name)) ? rowsOf(name) : undefined
        const at = join(folder, "calls.manifest.json")
        if (!Fs.existsSync(at)) return undefined
        const manifest = JSON.parse(Fs.readFileSync(at, "utf8")) as ManifestText
        const rows = manifest.files.flatMap((file) => {
          const rows = rowsOf(file.name)
          if (rows.length !== file.rows) throw new Error(`${file.name} has ${rows.length} rows, not ${file.rows}`)
          return rows
        })
        return manifest.complete ? rows : undefined
      })
    }
  })

export const tear = ({ folder }: Store) =>
  Effect.sync(() => {
    for (const name of Fs.readdirSync(folder).filter((name) => name.endsWith(".partial"))) {
      Fs.appendFileSync(join(folder, name), '{"id":"torn')
    }
  })
