/** A flag and a key of a file are one thing under two names: what is told of the one can be told of the other. */
import * as Struct from "effect/Struct"
import * as Transforms from "../flag/Transforms.ts"
import { connection, PipelineSpec, selection, SinkSettings } from "./PipelineSpec.ts"
import type { Path } from "./Yaml.ts"

const camel = (flag: string) => flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())

const paths = new Map<string, Path>([
  ...Struct.keys(PipelineSpec.fields).map((name): readonly [string, Path] => [name, [name]]),
  ...[...Struct.keys(connection), ...Struct.keys(selection)].map((name): readonly [string, Path] => [
    name,
    ["source", name]
  ]),
  ...Struct.keys(Transforms.Spec.fields).map((name): readonly [string, Path] => [name, ["transforms", name]]),
  // Inside of the sink that is spoken of.
  ...Struct.keys(SinkSettings.fields).map((name): readonly [string, Path] => [name, [name]]),
  ["to", ["sinks"]],
  ["deadLetters", ["deadLetters", "file"]],
  ["deadLettersRaw", ["deadLetters", "raw"]],
  ["maxDeadLetters", ["deadLetters", "maxShare"]]
])

/** Where in a file a flag stands. */
export const pathOf = (flag: string): Path | undefined => paths.get(camel(flag))

const flag = /(\b[Aa]dd )?--([a-z][a-z-]*)( (?:pages|history|continue|stop|day|\d+\b))?/g

/** What was said of flags, said of keys. */
export const inFile = (text: string): string =>
  text.replace(flag, (whole: string, add: string | undefined, name: string, value: string | undefined) => {
    const key = pathOf(name)?.join(".")
    if (key === undefined) return whole
    if (value !== undefined) return `${add ?? ""}${key}:${value}`
    return add === undefined ? key : `${add}${key}: true`
  })
