import { defineConfig, type OxlintOverride } from "oxlint"

/** The rooms of core, in the order data walks through them. A room imports from those in earlier rows only. */
const order = [
  ["model"],
  ["platform"],
  ["client"],
  ["coverage"],
  ["endpoint"],
  ["history"],
  ["plan"],
  ["source", "transform", "sink", "checkpoint", "report"],
  ["sync", "recording"],
  ["pipeline"]
]

/** Inside core: `../room/File.ts`, and the same by the package's own name. */
const room = (name: string) => `^((\\.\\./)+|@callstream/core/)${name}(/|$)`

// Goes last in a list: an exception (`!…`) ends the search there. Regular expressions here have no look-ahead.
const outsideCore = {
  group: ["*", "!effect", "!effect/**", "!.", "!..", "!./**", "!../**", "!@callstream/**"],
  message: "core depends on effect and nothing else: no platform, no node:*."
}
const outerPackages = {
  regex: "^@callstream/(node|cli|client|cluster|effect3)(/|$)",
  message: "core knows no other package."
}
const ownBarrel = {
  regex:
    "^((\\.\\./)*(\\./)?(index|CallSessions|Telemetry)(\\.ts)?|@callstream/core(/index|/CallSessions|/Telemetry)?)$",
  message: "What lies beside the rooms imports from them, never the reverse: import the module, not the barrel."
}
const otherSources = {
  regex: "^(\\.\\./)+(core|node|cli|cluster)/",
  message: "Another package is imported by its name, not by its path."
}
const effectBarrel = {
  regex: "^(effect|@effect/platform-node)(/index)?$",
  message: "A library imports modules (effect/Stream), not the barrel: that is what start-up time is made of."
}

interface Forbidden {
  readonly message: string
  readonly regex?: string
  readonly group?: Array<string>
}
const restrict = (...patterns: ReadonlyArray<Forbidden>): NonNullable<OxlintOverride["rules"]> => ({
  "no-restricted-imports": ["error", { patterns: [...patterns] }]
})

const inCore = (files: string, forbidden: ReadonlyArray<string>, message: string): OxlintOverride => ({
  files: [files],
  rules: restrict(
    outerPackages,
    otherSources,
    ownBarrel,
    effectBarrel,
    ...forbidden.map((name) => ({ regex: room(name), message })),
    outsideCore
  )
})

const rooms = order.flatMap((row, at) =>
  row.map((name) =>
    inCore(
      `packages/core/src/${name}/**`,
      [...order.slice(at).flat(), "testing"].filter((other) => other !== name),
      `${name}/ may import ${order.slice(0, at).flat().join(", ") || "no other room"} only.`
    )
  )
)

/** Each kind of sink stands alone. `../../file/` below a kind is the room of files, and `../file/` the kind. */
const kinds = ["file", "sql", "webhook"]

const sinkKinds = kinds.flatMap((kind) =>
  ["*", "internal/*"].map((files, depth) => {
    const forbidden = [...order.slice(order.findIndex((row) => row.includes("sink"))).flat(), "testing"]
    const others = kinds.filter((other) => other !== kind).join("|")
    return {
      files: [`packages/core/src/sink/${kind}/${files}.ts`],
      rules: restrict(
        outerPackages,
        otherSources,
        ownBarrel,
        effectBarrel,
        ...forbidden
          .filter((name) => name !== "sink")
          .map((name) => ({
            regex: room(name),
            message: "A sink knows neither transforms, checkpoints nor pipelines."
          })),
        {
          regex: `^(\\.\\./){${depth + 1}}(${others})/`,
          message: "One kind of sink does not know another: what they share is in sink/ or sink/internal/."
        },
        outsideCore
      )
    }
  })
)
/** The rooms of the cli, each of which imports from those before it only. */
const cliOrder = ["expression", "option", "job", "run", "render", "command"]

const cliRooms = cliOrder.map((name, at): OxlintOverride => ({
  files: [`packages/cli/src/${name}/**`],
  rules: restrict(
    otherSources,
    ...cliOrder.slice(at + 1).map((later) => ({
      regex: `^(\\.\\./)+${later}/`,
      message: `${name}/ may import ${cliOrder.slice(0, at).join(", ") || "no other room"} only.`
    }))
  )
}))

/** Where a function that effect runs may change a `let` of its surroundings. */
const changedByEffects = ["**/test/**", "**/bench/**", "examples/**"]

/** The rooms of core whose files and functions are held to a length. */
const measured = [...order.flat(), "testing"].map((name) => `packages/core/src/${name}/**`)

export default defineConfig({
  jsPlugins: ["./scripts/lint-captured.mjs"],
  plugins: ["eslint", "typescript", "unicorn", "oxc", "import", "promise", "vitest"],
  categories: { correctness: "error", suspicious: "error" },
  ignorePatterns: ["**/dist/**", "**/scratch/**"],
  rules: {
    "callstream/captured-let": "error",
    "import/no-cycle": "error",
    "typescript/no-explicit-any": "error",
    "typescript/no-non-null-assertion": "error",
    "typescript/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
    // TypeScript knows better what a namespace holds.
    "import/namespace": "off",
    "vitest/expect-expect": [
      "error",
      {
        assertFunctionNames: ["expect*", "assert*"],
        additionalTestBlockFunctions: ["it.effect", "it.live", "it.effect.prop", "it.prop"]
      }
    ],
    // Suspicious elsewhere, the way things are written here: `_tag`, `layer(…)("…", (it) => …)`, switches that
    // TypeScript knows to be exhaustive, sorting or reversing an array that was just made, a loop with a second condition.
    "eslint/no-underscore-dangle": "off",
    "eslint/no-shadow": "off",
    "eslint/no-unmodified-loop-condition": "off",
    "typescript/consistent-return": "off",
    "unicorn/consistent-function-scoping": "off",
    "unicorn/no-array-reverse": "off",
    "unicorn/no-array-sort": "off",
    "eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
    "import/no-unassigned-import": ["error", { allow: ["effect/schema/SchemaJITCompiler/enable"] }]
  },
  overrides: [
    { files: ["packages/core/src/**"], rules: restrict(outerPackages, otherSources, effectBarrel, outsideCore) },
    ...rooms,
    ...sinkKinds,
    inCore(
      "packages/core/src/testing/**",
      order
        .slice(1)
        .flat()
        .filter((name) => name !== "sink" && name !== "client"),
      "testing/ may import model, client and the contract of sinks only: it is handed what else it tests."
    ),
    {
      files: ["packages/node/src/**"],
      rules: restrict(
        { ...ownBarrel, regex: "^((\\.\\./)*(\\./)?index(\\.ts)?|@callstream/node(/.*)?)$" },
        effectBarrel,
        otherSources,
        { regex: "^@callstream/cli(/|$)", message: "node does not know the cli." }
      )
    },
    {
      files: ["packages/cluster/src/**"],
      rules: restrict(
        { ...ownBarrel, regex: "^((\\.\\./)*(\\./)?index(\\.ts)?|@callstream/cluster(/.*)?)$" },
        effectBarrel,
        otherSources,
        { regex: "^(@callstream/(cli|client|effect3|node)|node:)", message: "cluster knows core alone." }
      )
    },
    {
      files: ["packages/client/src/**"],
      rules: restrict(
        effectBarrel,
        otherSources,
        { ...ownBarrel, regex: "^((\\.\\./)*(\\./)?index(\\.ts)?|@callstream/(client(/.*)?|core))$" },
        { regex: "^(@callstream/(cli|node|effect3)|node:)", message: "the client runs wherever there is a fetch." }
      )
    },
    {
      files: ["packages/effect3/src/**"],
      rules: restrict({ ...effectBarrel, regex: "^(effect|@effect/platform)(/index)?$" }, otherSources, {
        regex: "^(@callstream/(cli|core|node)(/|$)|@callstream/client$|node:)",
        message: "effect3 reads by the bridge of the client, and runs wherever there is an HttpClient."
      })
    },
    // What is published is written by hand, and names nothing of Effect.
    {
      files: ["packages/client/src/*Types.ts", "packages/client/src/{ClientErrors,ClientOptions,StandardSchema}.ts"],
      rules: restrict({ regex: "^[^.]", message: "The declarations of the client are self-contained." })
    },
    { files: ["packages/cli/src/**"], rules: restrict(otherSources) },
    ...cliRooms,
    {
      files: ["packages/{cli,client,cluster,effect3,node}/src/**", ...measured],
      rules: { "eslint/max-lines": ["error", { max: 350 }], "eslint/max-lines-per-function": ["error", { max: 80 }] }
    },
    { files: changedByEffects, rules: { "callstream/captured-let": "off" } },
    { files: ["**/test/**", "**/bench/**", "examples/**"], rules: { "typescript/no-unsafe-type-assertion": "off" } }
  ]
})
