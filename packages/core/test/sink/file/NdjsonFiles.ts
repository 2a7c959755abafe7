/** Files of rows in memory, in each form that they have, and what a reader makes of them. */
import type { CallSession } from "@callstream/core/model/CallSession"
import type { Compression } from "@callstream/core/sink/Compression"
import { Manifest } from "@callstream/core/sink/Manifest"
import * as NdjsonSink from "@callstream/core/sink/NdjsonSink"
import type { Covers, SessionSink } from "@callstream/core/sink/SessionSink"
import type { SinkConformance } from "@callstream/core/testing"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import * as Stream from "effect/Stream"
import * as Schema from "effect/Schema"
import * as MemoryFileSystem from "./MemoryFileSystem.ts"

export const path = "/d/calls.ndjson"

/** What is tested: the sink, and how its text is read. */
export interface Kind {
  readonly path: string
  readonly file: (options: NdjsonSink.Options) => SessionSink<object, FileSystem.FileSystem | Path.Path>
  readonly parse: (text: string) => ReadonlyArray<unknown>
}

/** Members that say how long they are, so that a torn one is found out. */
export const framed: Compression = {
  extension: ".framed",
  encode: (text) => Effect.sync(() => new TextEncoder().encode(`#${text.length}\n${text}`)),
  verify: (pieces) =>
    Effect.map(
      Stream.runFold(
        pieces,
        () => "",
        (text, piece) => text + new TextDecoder().decode(piece)
      ),
      isFramed
    ),
  rowsPerMember: 6
}

export const unframe = (text: string): string => {
  if (text === "") throw new Error("no member at all")
  let plain = ""
  for (let at = 0; at < text.length;) {
    const end = text.indexOf("\n", at)
    const length = Number(text.slice(at + 1, end))
    if (text[at] !== "#" || end < 0 || !(text.length >= end + 1 + length)) throw new Error(`a torn member at ${at}`)
    plain += text.slice(end + 1, end + 1 + length)
    at = end + 1 + length
  }
  return plain
}

const isFramed = (text: string): boolean => {
  try {
    return unframe(text) !== undefined
  } catch {
    return false
  }
}

const parse = (text: string): ReadonlyArray<unknown> => {
  if (text !== "" && !text.endsWith("\n")) throw new Error("the last line is torn")
  return text
    .split("\n")
    .slice(0, -1)
    .map((line): unknown => JSON.parse(line))
}

export const ndjson: Kind = { path, file: NdjsonSink.make, parse }

export const forms: Readonly<Record<string, Partial<NdjsonSink.Options>>> = {
  plain: {},
  compressed: { compression: framed },
  "by size": { rotate: { bytes: 700 } },
  "by size, compressed": { rotate: { bytes: 1100 }, compression: framed },
  "by day": { rotate: "day" },
  "by day, compressed": { rotate: "day", compression: framed }
}

const decodeManifest = Schema.decodeUnknownSync(Schema.fromJsonString(Manifest))

/** The rows of what is finished; throws where something is there that is neither whole nor unfinished. */
const read = (
  kind: Kind,
  options: Partial<NdjsonSink.Options>,
  file: (path: string) => string | undefined,
  length: (path: string) => number | undefined
): ReadonlyArray<unknown> | undefined => {
  const rowsIn = (text: string) => kind.parse(options.compression === undefined ? text : unframe(text))
  if (options.rotate === undefined) {
    const text = file(kind.path)
    return text === undefined ? undefined : rowsIn(text)
  }
  const text = file("/d/calls.manifest.json")
  const manifest = text === undefined ? undefined : decodeManifest(text)
  const rows = (manifest?.files ?? []).flatMap((entry) => {
    const at = `/d/${entry.name}`
    const found = rowsIn(file(at) ?? "gone")
    if (found.length !== entry.rows || length(at) !== entry.bytes)
      throw new Error(`${at} is not what the manifest says`)
    if (typeof options.rotate === "object" && entry.rows > 1 && entry.bytes > options.rotate.bytes) {
      throw new Error(`${at} is too long: ${entry.bytes}`)
    }
    return found
  })
  return manifest?.complete === true ? rows : undefined
}

/** What the run covers that opens it. */
export interface Covered {
  readonly covers?: (() => Covers | undefined) | undefined
}

export const sinkOn = (
  layer: Layer.Layer<FileSystem.FileSystem | Path.Path>,
  { covers, ...options }: NdjsonSink.Options & Covered,
  kind: Kind = ndjson
): SessionSink<CallSession> => {
  const sink = kind.file(options)
  const { open, verify } = sink
  return {
    ...sink,
    open: (opening) => Effect.provide(open({ ...opening, covers: covers?.() }), layer),
    verify: verify === undefined ? undefined : (left, opening) => Effect.provide(verify(left, opening), layer)
  }
}

export interface Store extends SinkConformance.Store {
  readonly memory: MemoryFileSystem.MemoryFileSystem
  readonly fail: (code: string, times: number, methods?: ReadonlyArray<string>) => void
}

export const make = (options: Partial<NdjsonSink.Options>, kind: Kind = ndjson): Store => {
  const memory = MemoryFileSystem.make()
  return {
    memory,
    sink: sinkOn(memory.layer, { path: kind.path, ...options }, kind),
    read: Effect.sync(() => read(kind, options, memory.text, (at) => memory.node(at)?.data.length)),
    fail: (code, times, methods = ["file.writeAll"]) => {
      let left = times
      memory.intercept(({ method, path }) =>
        methods.includes(method) && left-- > 0 ? Effect.fail(MemoryFileSystem.failed(method, path, code)) : Effect.void
      )
    }
  }
}

/** A row that JSON cannot say. */
export const refused = {
  id: "session-refused",
  callerNumber: "+15550001",
  startedAt: "2026-07-30T21:30:00Z",
  metadata: { odd: 1n }
} satisfies CallSession
