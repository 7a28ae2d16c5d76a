// Values under the filters, and how numbers are written (as `score`, `rank` and `percent` of the tables).

// The value of one run: `language` is one of the query, "macro" for the average over languages, or over the chosen ones.
function valueOf(sweep, run, dataset, setting, metric, cutoff, language = "macro", corpus = null) {
  const all = sweep.series.get(dataset)?.get(`${setting}/${metric}/${cutoff}`) ?? [];
  const number = (one) => (one.values[run.i] === null ? NaN : one.values[run.i] / one.scale);
  if (language === "macro" && !chosen("language")?.size) {
    const macro = all.find((one) => one.query === "macro");
    return macro ? number(macro) : NaN;
  }
  let [sum, count] = [0, 0];
  for (const one of all) {
    const fits = corpus !== null ? one.corpus === corpus : one.corpus === "all" || allows("language", one.corpus);
    const asked = language === "macro" ? allows("language", one.query) : one.query === language;
    if (one.query === "macro" || !fits || !asked) continue;
    const value = number(one);
    if (Number.isNaN(value)) continue;
    sum += value;
    count += 1;
  }
  return count ? sum / count : NaN;
}

// Mean and sample standard deviation (NaN for one value) of those that are numbers.
function summary(values) {
  const known = values.filter((value) => !Number.isNaN(value));
  if (!known.length) return null;
  const mean = known.reduce((a, b) => a + b, 0) / known.length;
  const squares = known.reduce((total, value) => total + (value - mean) ** 2, 0);
  return { mean, std: known.length > 1 ? Math.sqrt(squares / (known.length - 1)) : NaN, n: known.length };
}

const grouped = (value) => value.toLocaleString("en", { maximumFractionDigits: 0 });
const shows = {
  score: (value) => value.toFixed(3).replace(/^(-?)0\./, "$1."),
  rank: (value) => (Math.abs(value) >= 100 ? grouped(value) : value.toFixed(1)),
  percent: (value) => `${(100 * value).toFixed(value >= 0.01 || value === 0 ? 1 : 2)} %`,
  plain: (value) => (Number.isInteger(value) ? grouped(value) : String(Number(value.toPrecision(4)))),
};
const show = (form, value) => (shows[form] ?? shows.plain)(value);
