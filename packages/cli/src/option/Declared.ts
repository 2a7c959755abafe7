/** An option, declared once: flags, keys of pipeline files, help and documentation are made from it. */
import type * as Argument from "effect/cli/Argument"
import * as Flag from "effect/cli/Flag"
import * as Param from "effect/cli/Param"
import * as Primitive from "effect/cli/Primitive"
import * as Effect from "effect/Effect"
import * as Config from "effect/Config"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { file, type Kind } from "./Kind.ts"

/**
 * How values are given: `one`; `each` (the flag may be repeated, the key holds a list); `list` (the flag takes them with
 * commas in between, the key holds a list); `switch` (the flag takes none, the key holds true or false).
 */
export type Form = "one" | "each" | "list" | "switch"

export interface Declared<out A, out F extends Form = Form> {
  readonly form: F
  readonly kind: Kind<A>
  /** One line: a noun phrase or an imperative, with its unit. */
  readonly help: string
  /** The default, as help shows it. */
  readonly fallback: string | undefined
  /** The environment variable that holds it where no flag does. */
  readonly variable: string | undefined
}

type Value<D> =
  D extends Declared<infer A, infer F> ? (F extends "switch" ? boolean : F extends "one" ? A : ReadonlyArray<A>) : never

export type Group = Readonly<Record<string, Declared<unknown>>>

/** What the options of a group hold, of those that were given. */
export type Values<G extends Group> = { readonly [K in keyof G]?: Value<G[K]> }

/** What the flags of a group give: `undefined` where one was not given. */
export type FlagValues<G extends Group> = { readonly [K in keyof G]: Value<G[K]> | undefined }

interface Extra {
  readonly metavar?: string
  readonly fallback?: string
  readonly variable?: string
}

const declare =
  <F extends Form>(form: F) =>
  <A>(kind: Kind<A>, help: string, { fallback, metavar = kind.metavar, variable }: Extra = {}): Declared<A, F> => ({
    form,
    kind: { ...kind, metavar },
    help,
    fallback,
    variable
  })

export const one = declare("one")
export const each = declare("each")
export const list = declare("list")

const boolean: Kind<boolean> = {
  metavar: "",
  expected: "true or false",
  parse: (text) => (text === "true" ? true : text === "false" ? false : undefined),
  schema: Schema.Boolean
}

export const onOff = (help: string): Declared<boolean, "switch"> => declare("switch")(boolean, help)

/** `--page-size` of `pageSize`. */
export const flagOf = (key: string): string => `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

/** The line of help, with the default in brackets. */
export const helpOf = ({ fallback, form, help }: Declared<unknown>): string => {
  const notes = [
    ...(form === "each" ? ["repeatable"] : []),
    ...(fallback === undefined ? [] : [`default: ${fallback}`])
  ]
  return notes.length === 0 ? help : `${help} (${notes.join("; ")})`
}

/** A comma inside of `["…"]` belongs to a key. */
const items = /(?:\[\s*"(?:[^"\\]|\\.)*"\s*\]|[^,])+/g

const itemsOf = (text: string): ReadonlyArray<string> =>
  (text.match(items) ?? []).map((one) => one.trim()).filter((one) => one !== "")

/** Text, whatever it is: what fits is said by its kind. Only completions of shells know what is offered. */
const primitiveOf = ({ completes }: Kind<unknown>): Primitive.Primitive<string> => {
  if (completes === undefined) return Primitive.String
  const offered =
    completes === "paths"
      ? Primitive.Path("either", false)
      : Primitive.Choice(completes.map((word) => [word, word] as const))
  return Object.assign(offered, { parse: (value: string) => Effect.succeed(value) })
}

/** The name of a file, without a flag. */
export const fileArgument = (name: string): Argument.Argument<string> =>
  Param.makeSingle({ kind: Param.argumentKind, name, primitiveType: primitiveOf(file) })

const textFlag = (key: string, kind: Kind<unknown>): Flag.Flag<string> =>
  Param.makeSingle({ kind: Param.flagKind, name: flagOf(key).slice(2), primitiveType: primitiveOf(kind) })

const valued = (key: string, { kind }: Declared<unknown>): Flag.Flag<unknown> =>
  textFlag(key, kind).pipe(
    Flag.withMetavar(kind.metavar),
    Flag.filterMap(
      (text) => Option.fromUndefinedOr(kind.parse(text)),
      () => kind.expected
    )
  )

const orVariable = (flag: Flag.Flag<unknown>, { kind, variable }: Declared<unknown>): Flag.Flag<unknown> =>
  variable === undefined ? flag : Flag.withFallbackConfig(flag, Config.schema(kind.schema, variable))

const optional = <A>(flag: Flag.Flag<A>): Flag.Flag<A | undefined> =>
  Flag.map(Flag.optional(flag), Option.getOrUndefined)

/** A flag whose value is `undefined` where it was not given. */
const toFlag = (key: string, declared: Declared<unknown>): Flag.Flag<unknown> => {
  const described = <A>(flag: Flag.Flag<A>): Flag.Flag<A> => Flag.withDescription(flag, helpOf(declared))
  switch (declared.form) {
    case "switch":
      return Flag.map(
        described(Flag.Boolean(flagOf(key).slice(2))).pipe(Flag.withDefault(false)),
        (on) => on || undefined
      )
    case "one":
      return optional(described(orVariable(valued(key, declared), declared)))
    case "each":
      return Flag.map(Flag.atLeast(described(valued(key, declared)), 0), (values) =>
        values.length === 0 ? undefined : values
      )
    case "list":
      return Flag.map(
        optional(described(textFlag(key, declared.kind).pipe(Flag.withMetavar(`${declared.kind.metavar},...`)))),
        (text) => (text === undefined ? undefined : itemsOf(text))
      )
  }
}

type Flags<G extends Group> = { readonly [K in keyof G]: Flag.Flag<Value<G[K]> | undefined> }

/** The flags of a group. */
export const flags = <G extends Group>(group: G): Flags<G> =>
  // Each flag's type follows from its declaration, key by key, which a loop cannot say.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  Object.fromEntries(Object.entries(group).map(([key, declared]) => [key, toFlag(key, declared)])) as Flags<G>

type Fields<G extends Group> = { readonly [K in keyof G]: Schema.optionalKey<Schema.Codec<Value<G[K]>>> }

const schemaOf = ({ form, kind }: Declared<unknown>): Schema.Top =>
  form === "each" || form === "list" ? Schema.Array(kind.schema) : kind.schema

/** The keys of a group in a pipeline file: all may be left out, and editors show what each is for. */
export const fields = <G extends Group>(group: G): Fields<G> =>
  // As above.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  Object.fromEntries(
    Object.entries(group).map(([key, declared]) => [
      key,
      Schema.optionalKey(schemaOf(declared)).annotateKey({ description: helpOf(declared) })
    ])
  ) as unknown as Fields<G>

/** Of the values of many flags those of a group that were given. */
export const pick = <G extends Group>(group: G, values: Partial<FlagValues<G>>): Values<G> =>
  // Only keys of the group are left.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  Object.fromEntries(
    Object.entries(values).filter(([key, value]) => Object.hasOwn(group, key) && value !== undefined)
  ) as Values<G>
