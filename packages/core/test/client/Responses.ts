/** Responses at random, of calls as servers write them and as none should. */
const encoder = new TextEncoder()

export const page = (...calls: ReadonlyArray<string>): Uint8Array<ArrayBuffer> =>
  encoder.encode(`{"success":true,"message":"ok","data":{"callSessions":[${calls.join(",")}]}}`)

type Fields = ReadonlyArray<readonly [string, () => string]>

/** Texts of JSON, some of them with these pieces in texts and these fields besides: a field without text is left out. */
export const make = (
  seed: number,
  { fields: more = [], pieces = [] }: { readonly pieces?: ReadonlyArray<string>; readonly fields?: Fields } = {}
) => {
  let state = seed >>> 0
  const next = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const oneOf = <A>(all: ReadonlyArray<A>, otherwise: A): A => all[next(all.length)] ?? otherwise
  const piece = () =>
    oneOf(
      [
        "a",
        " ",
        "é",
        "अ",
        "😀",
        '\\"',
        "\\\\",
        "\\n",
        "\\/",
        "\\u0041",
        "\\ud800",
        "\\ud83d\\ude00",
        "\u2028",
        "…",
        "",
        "http://",
        "?sig=1",
        "&x=1",
        "#",
        "long ascii text of several words",
        "e",
        "_",
        "7",
        ...pieces
      ],
      ""
    )
  const string = (most = 6): string => `"${Array.from({ length: next(most) }, piece).join("")}"`
  const number = (): string =>
    oneOf(
      [
        "0",
        "-0",
        "7",
        "-12",
        "1.5",
        "1.50",
        "0.000001",
        "0.0000001",
        "1e5",
        "1E400",
        "1e-7",
        "123456789012345",
        "1234567890123456",
        "12345678901234567890",
        "0.1",
        "0.30000000000000004",
        "0.1234567890123456789",
        "-1.25e+3",
        "100.0"
      ],
      "0"
    )
  const value = (depth: number): string => {
    const kind = next(depth > 3 ? 4 : 6)
    if (kind === 0) return string()
    if (kind === 1) return number()
    if (kind === 2) return oneOf(["true", "false", "null"], "null")
    if (kind === 3) return `"2026-07-0${1 + next(9)}T07:16:10.${next(1000)}Z"`
    const values = Array.from({ length: next(4) }, () => value(depth + 1))
    return kind === 4
      ? `[${values.join(",")}]`
      : `{${values.map((each) => `${oneOf([string(3), '"10"', '"duration_sec"', '"__proto__"'], "")}:${each}`).join(",")}}`
  }
  const time = () =>
    oneOf(['"2026-07-31T07:16:10Z"', '"2026-07-31T07:16:10.117605Z"', '"0001-01-01T00:00:00Z"', "null", '""', "7"], "")
  const fields: Fields = [
    ["startedAt", time],
    ["createdAt", time],
    ["endedAt", time],
    ["status", () => oneOf(['"completed"', '"no-answer"', '"In Progress"', "null", '"x\\u0079"'], "")],
    ["costTotal", () => oneOf(['"0.30"', '"1e2"', "0.5", "null", '""'], "")],
    ["durationSec", () => oneOf(["60", '"60"', "1.5", "null"], "")],
    ["callLatencyMs", () => oneOf(["60", '"60"'], "")],
    [
      "creditBreakdown",
      () =>
        next(3) === 0
          ? oneOf(['{"total_credits":2}', '{"total_credits":"2"}', "null", "[]", "{}"], "")
          : `{"channel":"voice",${string(4)}:${oneOf(['"0.30"', '" 1"', '"\u00a05"', '""', '"a1"', '"1.0\\n"'], "")}}`
    ],
    [
      "recordingUrl",
      () => (next(3) === 0 ? oneOf(['""', "null", "{}"], "") : `"https://a.b/${next(9)}${string(5).slice(1)}`)
    ],
    ["agentId", () => (next(3) === 0 ? oneOf(['"x"', "null", "5"], "") : string(3))],
    ["organizationId", () => (next(3) === 0 ? oneOf(['"o"', "null"], "") : string(3))],
    ["postCallAnalysisResult", () => (next(3) === 0 ? oneOf(["{}", "null", "[1]", '"a"'], "") : value(2))],
    ["disconnectReason", string],
    ["started_at", time],
    ["summary", () => string(20)],
    ["metadata", () => value(0)],
    ...more
  ]
  const call = (id: number): string => {
    const own = [`"id":${next(60) === 0 ? oneOf(["7", '""', "null", '"a\\u0062"'], "") : `"call-${id}"`}`]
    for (const [name, write] of fields) {
      const json = next(12) > (name.includes("_") ? 10 : 3) ? write() : ""
      if (json !== "") own.push(`"${name}":${json}`)
    }
    if (next(8) === 0) own.push(`${string(3)}:${value(0)}`)
    if (next(20) === 0) own.push(own[next(own.length)] ?? "")
    return `{${own.join(next(200) === 0 ? ", " : ",")}}`
  }
  const damaged = (body: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => {
    const at = next(body.length)
    const kind = next(3)
    if (kind === 0) return body.slice(0, at)
    const other = body.slice()
    other[at] = kind === 1 ? next(256) : (encoder.encode('"\\,:{}[]0')[next(9)] ?? 0)
    return other
  }
  return { next, call, damaged }
}
