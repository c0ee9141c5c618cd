/** A flag that a command takes. */
export interface FlagSpec {
  /** Long name, with dashes. Underscores in its place are understood too, as Micro writes some of its flags. */
  readonly name: string;
  /** One letter, for `-x`. */
  readonly short?: string;
  /** Further long names. */
  readonly aliases?: readonly string[];
  /** `list` may be given several times. */
  readonly kind: "string" | "bool" | "list";
  /** What help shows for its value. */
  readonly placeholder?: string;
  readonly help: string;
  /** Environment variable that gives the value where the flag does not. */
  readonly variable?: string;
}

/** Flags that every command takes. */
export const globalFlags: readonly FlagSpec[] = [
  {
    name: "env",
    short: "e",
    kind: "string",
    placeholder: "NAME",
    variable: "MICRO_ENV",
    help: "environment to talk to, for this command only",
  },
  {
    name: "namespace",
    kind: "string",
    placeholder: "NAME",
    variable: "MICRO_NAMESPACE",
    help: "namespace to work in (default: the current one, or micro)",
  },
  {
    name: "output",
    short: "o",
    kind: "string",
    placeholder: "json|text",
    variable: "MICRO_OUTPUT",
    help: "json prints results and errors for programs",
  },
  {
    name: "config-file",
    short: "c",
    kind: "string",
    placeholder: "FILE",
    variable: "MICRO_CONFIG_FILE",
    help: "settings file (default: config.json in MICRO_HOME)",
  },
  { name: "help", short: "h", kind: "bool", help: "show help" },
  { name: "version", short: "v", kind: "bool", help: "print the version" },
];

/** What `--output` may be: lines for people (which some commands of Micro call a table), JSON, or JSON on one line where an answer is printed. */
export const outputFormats: readonly string[] = ["text", "json", "raw", "table"];

/** The long name that a written one stands for: underscores count as dashes. */
export function normalizeFlagName(written: string): string {
  return written.replaceAll("_", "-");
}

/** Finds a flag by the name that was written after the dashes: long, alias, or short. */
export function findFlag(specs: readonly FlagSpec[], written: string): FlagSpec | undefined {
  const name = normalizeFlagName(written);
  return specs.find((spec) => spec.name === name || spec.short === written || spec.aliases?.includes(name) === true);
}
