/** What was given, of all that could have been. */
import * as Option from "effect/Option"

type Given<A> = { readonly [K in keyof A]?: A[K] extends Option.Option<infer V> ? V : never }

/** The values of the flags that were given, by name. */
export const given = <A extends Readonly<Record<string, Option.Option<unknown>>>>(values: A): Given<A> => {
  const entries = Object.entries(values).flatMap(([name, value]) => (Option.isSome(value) ? [[name, value.value]] : []))
  // The entries are those of `values`, without their options.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return Object.fromEntries(entries) as Given<A>
}
