/** Writes the flags of a command as a pipeline file that does the same, without secrets. */
import { OutputFile } from "@callstream/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Document, isMap, isScalar, isSeq, visit } from "yaml"
import * as Target from "../option/Target.ts"
import { UsageError } from "../option/UsageError.ts"
import type { PipelineSpec, SinkSpec } from "../option/PipelineSpec.ts"

export interface Saved {
  readonly text: string
  /** The variables that the file refers to, and the value to set, where it is known and no secret. */
  readonly variables: ReadonlyArray<{ readonly name: string; readonly value: string; readonly meaning: string }>
}

/** Above every file that is written for people. */
export const heading = (file: string): string =>
  [
    " A pipeline of callstream. Read it, then run it:",
    `   callstream run ${file} --dry-run`,
    `   callstream run ${file}`,
    " Secrets do not belong here: set environment variables, and refer to them as ${NAME}.",
    " For an editor that knows the keys: callstream run --schema > pipeline.schema.json,",
    " and as the first line: yaml-language-server: $schema=pipeline.schema.json behind a #."
  ].join("\n")

/** A URL may hold a password, and its path may be the only secret that protects it. */
const isAddress = (to: string) => /^[a-z][a-z0-9+.-]*:\/\//i.test(to)

const variableOf = (to: string): string => {
  const [scheme = ""] = to.split(":")
  const kind = /^https?$/i.test(scheme) ? "WEBHOOK" : scheme.toUpperCase().replace(/[^A-Z0-9]/g, "_")
  return `CALLSTREAM_${kind}_URL`
}

/** The text of a file for a spec. */
export const write = (spec: PipelineSpec, file: string): Saved => {
  const variables: Array<Saved["variables"][number]> = []
  const refer = (to: string): string => {
    const known = variables.find(({ value }) => value === to)
    const same = variables.filter(({ name }) => name.startsWith(variableOf(to))).length
    const name = known?.name ?? `${variableOf(to)}${same === 0 ? "" : `_${same + 1}`}`
    const target = Option.map(Target.parse(to), Target.describe)
    if (known === undefined) variables.push({ name, value: to, meaning: Option.getOrElse(target, () => "the sink") })
    return `\${${name}}`
  }
  const referring = new Set<string>()
  const sinkOf = (sink: SinkSpec): SinkSpec => {
    const to = typeof sink === "string" ? sink : sink.to
    if (!isAddress(to)) return sink
    const reference = refer(to)
    referring.add(reference)
    return typeof sink === "string" ? reference : { ...sink, to: reference }
  }
  const { name, sinks, source, transforms, zone, ...others } = spec
  const sinksAsWritten = sinks.map(sinkOf)
  const document = new Document(
    Object.fromEntries(
      Object.entries({ name, zone, source, transforms, sinks: sinksAsWritten, ...others }).filter(
        ([, value]) => value !== undefined
      )
    )
  )
  visit(document, {
    Scalar: (key, node) => {
      if (key === "key" || typeof node.value !== "string" || referring.has(node.value)) return
      node.value = node.value.replaceAll("${", () => "$${")
    }
  })
  document.commentBefore = heading(file)
  if (isMap(document.contents)) {
    for (const [i, { key, value }] of document.contents.items.entries()) {
      if (!isScalar(key)) continue
      key.spaceBefore = i > 0
      if (key.value === "state" && isScalar(value) && value.value === false) {
        value.comment = " no state is kept: each run starts from the beginning"
      }
      if (key.value === "zone" && isScalar(value) && value.value === "local") {
        value.comment = " that of the machine on which it is run"
      }
      if (key.value === "sinks" && isSeq(value) && referring.size > 0) {
        key.commentBefore = variables.map(({ meaning, name }) => ` ${name} holds the address at ${meaning}`).join("\n")
      }
    }
  }
  return { text: document.toString({ lineWidth: 0 }), variables }
}

/** Writes a new file that only its owner can read; `force` replaces an existing one. */
export const toFile = (
  path: string,
  text: string,
  options: { readonly force: boolean; readonly replaceable: boolean }
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { finish, write } = yield* OutputFile.open({ path, force: options.force })
      yield* write(text)
      yield* finish
    })
  ).pipe(
    Effect.catchTag("OutputError", (error) =>
      Effect.fail(
        error.reason._tag === "Exists"
          ? new UsageError({ reason: { _tag: "FileExists", path, replaceable: options.replaceable } })
          : error
      )
    )
  )
