/**
 * Who may use data without a rule that says so: `administrator`, users with scope `admin` and services; `account`, every
 * account of the namespace.
 */
type DataDefault = "administrator" | "account";

/**
 * The types of resources that are data, and who may use them where no rule speaks of them.
 *
 * | type | name | endpoints |
 * |---|---|---|
 * | `topic` | a topic of the broker | `publish`, `subscribe` |
 * | `stream` | a topic of events | `publish`, `consume`, `read`, `manage` |
 * | `config` | the first part of a path | `read`, `secret`, `write` |
 * | `store` | a table | `read`, `write` |
 * | `blob` | the first folder of a key | `read`, `write` |
 *
 * Where many are meant at once the name is `*`; their names alone are read with the endpoint `list`.
 */
export const dataDefaults = {
  topic: "account",
  stream: "administrator",
  config: "administrator",
  store: "administrator",
  blob: "administrator",
} as const satisfies Readonly<Record<string, DataDefault>>;

export type DataType = keyof typeof dataDefaults;

/** True for a type of resources that is data. */
export function isDataType(type: string): type is DataType {
  return Object.hasOwn(dataDefaults, type);
}
