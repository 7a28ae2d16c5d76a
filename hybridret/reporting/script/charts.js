// The charts of a test set, and the training curves. Each is drawn by Observable Plot from the runs that are left.
const settingNames = { monolingual: "Mo.", "cross-lingual": "Cr.", multilingual: "Mul." };
const settingLooks = {
  monolingual: { colour: "#0072b2", symbol: "circle" },
  "cross-lingual": { colour: "#d55e00", symbol: "square" },
  multilingual: { colour: "#009e73", symbol: "triangle" },
};

// [metric, cutoff, title] of the measure that figures show on a test set: the chosen one, else the first that it has.
function measureOf(dataset) {
  const known = raw.cutoffs[dataset] ?? {};
  const metric = state.measure in known ? state.measure : Object.keys(known)[0] ?? "map";
  const [cutoff, title] = known[metric] ?? [0, "mAP"];
  return [metric, cutoff, title];
}

const short = (value) => show("score", value);
const size = (value) => d3.format(".3~s")(value).replace("G", "B");
const unique = (values) => [...new Set(values)];
const legendOf = (sweep, names) => unique(names).map((name) => ({ name, ...lookOf(sweep, name) }));

// Both values of each run that is left, over all sweeps of the page, so that figures side by side have the same axes.
function tradeoffRows(sweep, dataset) {
  const [metric, cutoff] = measureOf(dataset);
  const of = (run, setting) => valueOf(sweep, run, dataset, setting, metric, cutoff);
  return keptRuns(sweep).map((run) => ({
    run, configuration: run.configuration, mono: of(run, "monolingual"), cross: of(run, "cross-lingual"),
    multi: of(run, "multilingual"), ...lookOf(sweep, run.configuration),
  })).filter((row) => !Number.isNaN(row.mono) && !Number.isNaN(row.cross));
}

function domain(values) {
  const [low, high] = d3.extent(values);
  const margin = 0.06 * Math.max(high - low, 0.02);
  return [low - margin, high + margin];
}

// The means that no other mean exceeds in both values.
function frontOf(means) {
  const beaten = (a) => means.some((b) => b.mono >= a.mono && b.cross >= a.cross && (b.mono > a.mono || b.cross > a.cross));
  return means.filter((one) => !beaten(one)).sort((a, b) => a.mono - b.mono);
}

charts.tradeoff = (sweep, dataset) => {
  const title = measureOf(dataset)[2];
  const rows = tradeoffRows(sweep, dataset);
  if (!rows.length) return { panels: [] };
  const all = sweeps.flatMap((one) => tradeoffRows(one, dataset));
  const means = d3.rollups(rows, (own) => ({ mono: d3.mean(own, (d) => d.mono), cross: d3.mean(own, (d) => d.cross) }),
    (d) => d.configuration).map((pair) => pair[1]);
  const front = frontOf(means);
  const texts = rows.map(({ run, mono, cross, multi }) => {
    const values = `Mo. ${short(mono)} · Cr. ${short(cross)}${Number.isNaN(multi) ? "" : ` · Mul. ${short(multi)}`}`;
    const { total, body } = run;
    const parts = total === null ? [] : [`${total.toLocaleString("en")} parameters (${(body ?? 0).toLocaleString("en")} without embeddings)`];
    return [`${run.configuration}, seed ${run.seed}`, values, ...parts, `${sweep.name}/${run.run}`].join("\n");
  });
  const panel = {
    label: `${dataset}: monolingual against cross-lingual ${title}, one mark per run (${rows.length} runs)`,
    texts,
    options: {
      grid: true, x: { label: `Monolingual ${title} →`, domain: domain(all.map((d) => d.mono)), labelAnchor: "center" },
      y: { label: `↑ Cross-lingual ${title}`, domain: domain(all.map((d) => d.cross)) },
    },
    marks: [
      Plot.dot(rows, {
        x: "mono", y: "cross", fill: (d) => d.colour, symbol: (d) => d.symbol, r: 5, className: "named", fillOpacity: 0.88,
        stroke: "var(--paper)", strokeWidth: 0.8, sort: null,
      }),
      Plot.line(front, { x: "mono", y: "cross", stroke: "currentColor", strokeDasharray: "6 4" }),
      Plot.dot(front, { x: "mono", y: "cross", r: 8, fill: "none", stroke: "currentColor", pointerEvents: "none" }),
    ],
    rows: [["run", "configuration", "seed", `Mo. ${title}`, `Cr. ${title}`, `Mul. ${title}`],
      ...rows.map((d) => [d.run.run, d.configuration, d.run.seed, d.mono, d.cross, d.multi])],
  };
  return { panels: [panel], legend: legendOf(sweep, rows.map((d) => d.configuration)) };
};

// Means with one standard deviation to both sides, of runs grouped by `key` and by `at` on the horizontal axis.
function meansOf(rows, key, at) {
  return d3.groups(rows, key, at).flatMap(([, own]) => own.map(([x, of]) => {
    const { mean, std, n } = summary(of.map((d) => d.value));
    return { ...of[0], x, mean, std, low: mean - (std || 0), high: mean + (std || 0), n };
  })).sort((a, b) => a.x - b.x);
}

function lineMarks(means, key) {
  const lines = d3.groups(means, key).map(([, own]) =>
    Plot.line(own, { x: "x", y: "mean", stroke: own[0].colour, strokeDasharray: own[0].dash }));
  return [
    ...lines,
    Plot.ruleX(means, { x: "x", y1: "low", y2: "high", stroke: (d) => d.colour }),
    Plot.dot(means, { x: "x", y: "mean", fill: (d) => d.colour, symbol: (d) => d.symbol, r: 4.5, className: "named", sort: null }),
  ];
}
const spread = (d) => (Number.isNaN(d.std) ? "" : ` ± ${short(d.std)}`);

charts.size = (sweep, dataset) => {
  const [metric, cutoff, title] = measureOf(dataset);
  const panels = [], names = new Map();
  for (const setting of Object.keys(settingNames)) {
    const rowsOf = (one) => keptRuns(one).filter((run) => run.trained && run.body > 0)
      .map((run) => ({ run, value: valueOf(one, run, dataset, setting, metric, cutoff), ...lookOf(one, run.configuration) }))
      .filter((d) => !Number.isNaN(d.value));
    const means = meansOf(rowsOf(sweep), (d) => d.run.family, (d) => d.run.body);
    if (!means.length) continue;
    const all = sweeps.flatMap((one) => meansOf(rowsOf(one), (d) => d.run.family, (d) => d.run.body));
    for (const d of means) if (!names.has(d.run.family)) names.set(d.run.family, d);
    panels.push({
      name: setting, title: setting, width: 460, label: `${dataset}: ${setting} ${title} against parameters without embeddings`,
      texts: means.map((d) => `${d.run.family}, ${size(d.x)} parameters\n${title} ${short(d.mean)}${spread(d)}, ${d.n} runs`),
      options: {
        grid: true, y: { label: `↑ ${title}`, domain: domain(all.flatMap((d) => [d.low, d.high])) },
        x: { type: "log", label: "parameters without embeddings →", labelAnchor: "center", ticks: unique(all.map((d) => d.x)).slice(0, 8), tickFormat: size, inset: 10 },
      },
      marks: lineMarks(means, (d) => d.run.family),
      rows: [["family", "parameters without embeddings", `${title} mean`, "std", "runs"],
        ...means.map((d) => [d.run.family, d.x, d.mean, d.std, d.n])],
    });
  }
  return { panels, legend: [...names].map(([name, d]) => ({ name, colour: d.colour, symbol: d.symbol })) };
};

charts.alpha = (sweep, dataset) => {
  const [metric, cutoff, title] = measureOf(dataset);
  const panels = [];
  for (const [number, group] of (sweep.alphas[dataset] ?? []).entries()) {
    const rows = Object.keys(settingNames).flatMap((setting) => group.runs.map((i, at) => ({
      run: sweep.runs[i], setting, alpha: group.alphas[at], ...settingLooks[setting], dash: null,
      value: valueOf(sweep, sweep.runs[i], dataset, setting, metric, cutoff),
    }))).filter((d) => isKept(d.run) && !Number.isNaN(d.value));
    const means = meansOf(rows, (d) => d.setting, (d) => d.alpha);
    if (!means.length) continue;
    panels.push({
      name: String(number + 1), title: group.title.replace(/^, /, ""), width: 520,
      label: `${dataset}${group.title}: ${title} against alpha, a line each for Mo., Cr. and Mul.`,
      texts: means.map((d) => `${settingNames[d.setting]}, alpha ${d.x}\n${title} ${short(d.mean)}${spread(d)}, ${d.n} runs`),
      options: { grid: true, x: { label: "alpha (1: all batches mono, 0: all cross) →", labelAnchor: "center", domain: [0, 1], inset: 8 }, y: { label: `↑ ${title}` } },
      marks: lineMarks(means, (d) => d.setting),
      rows: [["setting", "alpha", `${title} mean`, "std", "runs"], ...means.map((d) => [d.setting, d.x, d.mean, d.std, d.n])],
    });
  }
  return { panels, legend: Object.entries(settingLooks).map(([setting, look]) => ({ name: settingNames[setting], ...look })) };
};

const BARS = 40;
charts.bias = (sweep, dataset) => {
  const of = (one, run, language) => valueOf(one, run, dataset, "multilingual", "rank_distance", 0, language);
  const barsOf = (one) => d3.groups(keptRuns(one), (run) => run.configuration)
    .map(([configuration, runs]) => ({ configuration, found: summary(runs.map((run) => of(one, run, "macro"))), ...lookOf(one, configuration) }))
    .filter((d) => d.found).map((d) => ({ ...d, ...d.found, low: d.found.mean - (d.found.std || 0), high: d.found.mean + (d.found.std || 0) }));
  const bars = barsOf(sweep).sort((a, b) => a.mean - b.mean).slice(0, BARS);
  if (!bars.length) return { panels: [] };
  const most = d3.max(sweeps.flatMap(barsOf), (d) => d.high);
  const longest = d3.max(bars, (d) => d.configuration.length);
  const left = Math.min(150, 20 + 6.2 * longest);
  const panels = [{
    name: "bars", title: "Mean over query languages", width: 520, height: 60 + 22 * bars.length,
    label: `${dataset}: mean rank distance, one bar per configuration, lower is less biased`,
    texts: bars.map((d) => `${d.configuration}\nrank distance ${show("rank", d.mean)}${Number.isNaN(d.std) ? "" : ` ± ${show("rank", d.std)}`}, ${d.n} runs`),
    options: {
      marginLeft: left, x: { label: "rank distance →", labelAnchor: "center", grid: true, domain: [0, most], ticks: 4 },
      y: { label: null, domain: bars.map((d) => d.configuration), tickFormat: (name) => (name.length > left / 6.2 - 2 ? `${name.slice(0, left / 6.2 - 4)}…` : name) },
    },
    marks: [
      Plot.barX(bars, { className: "named", x: "mean", y: "configuration", fill: (d) => d.colour }),
      Plot.ruleY(bars, { y: "configuration", x1: "low", x2: "high", stroke: "currentColor" }),
    ],
    rows: [["configuration", "rank distance mean", "std", "runs"], ...bars.map((d) => [d.configuration, d.mean, d.std, d.n])],
  }];
  const languages = (raw.dimensions.language ?? []).filter((one) => allows("language", one));
  const lines = bars.flatMap((bar) => {
    const runs = keptRuns(sweep).filter((run) => run.configuration === bar.configuration);
    return languages.map((language) => ({ ...bar, language, found: summary(runs.map((run) => of(sweep, run, language))) }));
  }).filter((d) => d.found).map((d) => ({ ...d, mean: d.found.mean, n: d.found.n }));
  if (unique(lines.map((d) => d.language)).length > 1) {
    panels.push({
      name: "languages", title: "By query language", width: 520,
      label: `${dataset}: rank distance by query language, one line per configuration`,
      texts: lines.map((d) => `${d.configuration}, ${d.language}\nrank distance ${show("rank", d.mean)}, ${d.n} runs`),
      options: {
        grid: true, x: { label: "query language →", labelAnchor: "center", type: "point" },
        y: { type: lines.every((d) => d.mean > 0) ? "log" : "linear", label: "↑ rank distance", ticks: 5, tickFormat: ",.6~r" },
      },
      marks: [
        ...d3.groups(lines, (d) => d.configuration).map(([, own]) =>
          Plot.line(own, { x: "language", y: "mean", stroke: own[0].colour, strokeDasharray: own[0].dash, strokeWidth: 1 })),
        Plot.dot(lines, { x: "language", y: "mean", fill: (d) => d.colour, symbol: (d) => d.symbol, r: 4, className: "named", sort: null }),
      ],
      rows: [["configuration", "query language", "rank distance", "runs"], ...lines.map((d) => [d.configuration, d.language, d.mean, d.n])],
    });
  }
  return { panels, legend: legendOf(sweep, bars.map((d) => d.configuration)) };
};

charts.curves = (sweep) => {
  const panels = [], names = [];
  for (const curve of sweep.curves) {
    const rows = curve.lines.filter(([i]) => isKept(sweep.runs[i])).flatMap(([i, steps, digits, values]) => {
      const run = sweep.runs[i];
      const look = lookOf(sweep, run.configuration);
      return steps.map((step, at) => ({ run, step, value: values[at] === null ? NaN : values[at] / 10 ** digits, ...look }));
    });
    if (!rows.length) continue;
    names.push(...unique(rows.map((d) => d.run.configuration)));
    panels.push({
      name: curve.name, title: curve.title, width: 460, label: `${curve.title}, by step, one line per run`,
      texts: rows.map((d) => `${d.run.configuration}, seed ${d.run.seed}\n${sweep.name}/${d.run.run}`),
      options: {
        grid: true, x: { label: "step →", labelAnchor: "center" },
        y: { type: curve.log ? "log" : "linear", label: `↑ ${curve.unit}`, ticks: 6, tickFormat: "~g" },
      },
      marks: [Plot.line(rows, { className: "named", x: "step", y: "value", z: (d) => d.run.i, stroke: (d) => d.colour, strokeWidth: 1.3, strokeOpacity: 0.8 })],
      rows: [["run", "configuration", "seed", "step", curve.title], ...rows.map((d) => [d.run.run, d.run.configuration, d.run.seed, d.step, d.value])],
    });
  }
  return { panels, legend: legendOf(sweep, names) };
};
