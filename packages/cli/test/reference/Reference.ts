/** The tables of docs/cli.md and the man page, made of the same declarations as the flags. */
import * as Cli from "../../src/Cli.ts"
import * as Declared from "../../src/option/Declared.ts"
import { commands, type Section } from "./commands.ts"

type Option = Declared.Declared<unknown>

/** `--where EXPR`, `--redact CLASS[=MODE],...`, `--force`. */
const usage = (key: string, { form, kind }: Option): string =>
  form === "switch" ? Declared.flagOf(key) : `${Declared.flagOf(key)} ${kind.metavar}${form === "list" ? ",..." : ""}`

const cell = (text: string): string => text.replaceAll("|", "\\|")

/** A table of Markdown; the key of a file stands beside its flag where a file has it. */
const table = ({ inFiles, options }: Section): string => {
  const rows = Object.entries(options).map(([key, option]) =>
    inFiles
      ? `| \`${cell(usage(key, option))}\` | \`${key}\` | ${cell(Declared.helpOf(option))} |`
      : `| \`${cell(usage(key, option))}\` | ${cell(Declared.helpOf(option))} |`
  )
  const head = inFiles ? "| flag | key | |\n| --- | --- | --- |" : "| flag | |\n| --- | --- |"
  return [head, ...rows].join("\n")
}

const section = /(<!-- options: (\S+) -->\n)[^]*?(<!-- end of options -->)/g

/** The page with its tables made anew, and the names of its tables. */
export const inPage = (page: string): { readonly text: string; readonly names: ReadonlyArray<string> } => {
  const known = new Map(commands.flatMap(({ sections }) => sections).map((one) => [one.id, one]))
  const names: Array<string> = []
  const text = page.replace(section, (_, begin: string, id: string, end: string) => {
    const found = known.get(id)
    if (found === undefined) throw new Error(`there are no options ${id}`)
    names.push(id)
    return `${begin}\n${table(found)}\n\n${end}`
  })
  return { text, names }
}

/** What troff would take for a request, an escape or a hyphen. */
const troff = (text: string): string =>
  text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^([.'])/gm, "\\&$1")

const item = (term: string, text: string): string => `.TP\n.B ${troff(term)}\n${troff(text)}`

const exits: ReadonlyArray<readonly [number, string]> = [
  [0, "The run finished. A pipe that its reader closed is no failure."],
  [1, "The API, the network, a sink or the state failed, or too many records were rejected."],
  [2, "A flag, the key, a path or a pipeline file is wrong. Nothing was delivered."],
  [3, "The run finished, but something is missing or not proven; the summary says what."],
  [130, "Ctrl-C or SIGTERM."]
]

const variables: ReadonlyArray<readonly [string, string]> = [
  ["AGNI_API_KEY", "The API key. It is never the value of a flag, which others on the machine can read."],
  ["AGNI_BASE_URL", "URL of the API, where there is no --base-url."],
  ["CALLSTREAM_WEBHOOK_SECRET", "Secret that webhooks are signed with: whsec_…"],
  ["CALLSTREAM_REDACT_KEY", "Key of hashes, for --redact …=hash."],
  ["HTTP_PROXY, HTTPS_PROXY, NO_PROXY", "The way to the API. Webhooks are sent directly."],
  ["NO_COLOR", "No colors."]
]

/** `callstream.1`. */
export const man = (): string =>
  [
    `.TH CALLSTREAM 1 "" "callstream" "User Commands"`,
    ".SH NAME",
    troff("callstream - export call sessions of an Agni (Ravan AI) organization"),
    ".SH SYNOPSIS",
    ...commands.map(({ arguments: words, name }) => `.B callstream ${name}\n${troff(`${words} [flags]`.trim())}\n.br`),
    ".SH DESCRIPTION",
    troff(Cli.description),
    ".SH GLOBAL FLAGS",
    item("--help, -h", "Help, of each command too"),
    item("--version, -v", "Version"),
    item("--completions SHELL", "Completion script for bash, zsh, fish or PowerShell"),
    item("--debug", Cli.debugHelp),
    ...commands.flatMap(({ command, name, sections }) => [
      `.SH ${name.toUpperCase()}`,
      troff(command.description ?? ""),
      ...sections
        .filter(({ options }) => Object.keys(options).length > 0)
        .flatMap(({ options, title }) => [
          `.SS ${troff(title)}`,
          ...Object.entries(options).map(([key, option]) => item(usage(key, option), Declared.helpOf(option)))
        ]),
      ...(command.examples.length === 0
        ? []
        : [
            ".SS Examples",
            ...command.examples.map(
              (one) => `${troff(one.description ?? "")}:\n.PP\n.nf\n    ${troff(one.command)}\n.fi\n.PP`
            )
          ])
    ]),
    ".SH ENVIRONMENT",
    ...variables.map(([name, text]) => item(name, text)),
    ".SH EXIT STATUS",
    ...exits.map(([code, text]) => item(String(code), text)),
    ""
  ].join("\n")
