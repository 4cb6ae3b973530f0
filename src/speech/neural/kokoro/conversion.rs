//! Makes Kokoro's file of whole numbers one of floating-point numbers, and mends in it what relies on the
//! runtime it was exported for.
//!
//! The public file `kokoro-v1.0.int8.onnx` is the smallest to download, and slower and rougher than floating
//! point (Distill-MOS 4.59 against 4.69, measured on twenty sentences of books). Its weights are multiplied out
//! once, when the voice is installed. Four places in its graph sound right with ONNX Runtime alone; each is
//! described where it is mended.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::Path;
use std::process::ExitCode;

use rten_onnx::onnx::{DataType, GraphProto, ModelProto, NodeProto, TensorProto};
use thiserror::Error;

use crate::children::{self, Limits};

/// Address space that it may take, in bytes.
const MEMORY: u64 = 2 << 30;
/// Bins of the spectrum that the network makes its sound from: a transform of 20 points.
const BINS: usize = 11;
/// Where the phase of that spectrum is turned by half a circle.
const PHASE: &str = "/decoder/decoder/generator/Where";
/// The name of the constant 1.
const ONE: &str = "one_f32";

/// Why a file cannot be converted.
#[derive(Debug, Error)]
pub enum ConversionError {
    /// A file cannot be opened.
    #[error("a file cannot be opened: {0}")]
    File(#[from] std::io::Error),
    /// It is no such file.
    #[error("it is not a network: {0}")]
    Format(#[from] rten_onnx::protobuf::ProtobufError),
    /// It is another network than the one this was written for.
    #[error("it is another network than expected: {0}")]
    Unexpected(String),
}

type Converted<T> = Result<T, ConversionError>;

fn unexpected(what: impl Into<String>) -> ConversionError {
    ConversionError::Unexpected(what.into())
}

/// Reads the network in `from` and writes one of floating-point numbers to `to`. It takes half a gigabyte of
/// memory.
pub fn convert(from: &Path, to: &Path) -> Converted<()> {
    let mut model = ModelProto::parse_file(File::open(from)?)?;
    let graph = model.graph.take().ok_or_else(|| unexpected("it has no graph"))?;
    let mut graph = Graph::new(graph);
    graph.multiply_out()?;
    graph.mend_matrix_product()?;
    graph.mend_phase()?;
    model.graph = Some(graph.finish());
    model.write_file(File::create(to)?)?;
    Ok(())
}

/// Runs in a child process, which ends with its parent.
pub fn run(from: &Path, to: &Path) -> ExitCode {
    let limits = Limits { memory: Some(MEMORY), ..Limits::default() };
    let done = children::limit_self(limits).map_err(ConversionError::from);
    match done.and_then(|()| convert(from, to)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// A weight: its shape, and its values in that order.
struct Weight {
    dims: Vec<i64>,
    values: Vec<f32>,
}

/// A bias that is added to a product.
struct Bias {
    /// The node that adds it.
    sum: usize,
    /// Which of its inputs it is.
    input: usize,
    weight: String,
}

/// A network while it is changed. Nodes keep their places until [`finish`](Self::finish).
struct Graph {
    graph: GraphProto,
    /// Which node makes a value.
    makers: HashMap<String, usize>,
    /// Which nodes take it.
    takers: HashMap<String, Vec<usize>>,
    weights: HashMap<String, usize>,
    /// Nodes to be put before those of a place.
    before: Vec<(usize, NodeProto)>,
}

impl Graph {
    fn new(graph: GraphProto) -> Self {
        let (mut makers, mut takers) = (HashMap::new(), HashMap::<_, Vec<_>>::new());
        for (at, node) in graph.node.iter().enumerate() {
            makers.extend(node.output.iter().map(|name| (name.clone(), at)));
            for name in &node.input {
                takers.entry(name.clone()).or_default().push(at);
            }
        }
        let named = graph.initializer.iter().enumerate();
        let weights = named.filter_map(|(at, weight)| Some((weight.name.clone()?, at))).collect();
        Self { graph, makers, takers, weights, before: Vec::new() }
    }

    fn maker(&self, value: &str) -> Converted<usize> {
        let missing = || unexpected(format!("nothing makes {value}"));
        self.makers.get(value).copied().ok_or_else(missing)
    }

    fn taker(&self, value: &str, operation: &str) -> Converted<usize> {
        let of = self.takers.get(value).into_iter().flatten();
        let found = of.copied().find(|at| self.is(*at, operation));
        found.ok_or_else(|| unexpected(format!("no {operation} takes {value}")))
    }

    fn is(&self, at: usize, operation: &str) -> bool {
        self.graph.node[at].op_type.as_deref() == Some(operation)
    }

    fn expect(&self, at: usize, operation: &str) -> Converted<()> {
        let node = &self.graph.node[at];
        let wrong = || unexpected(format!("{:?} is no {operation}", node.name));
        if self.is(at, operation) { Ok(()) } else { Err(wrong()) }
    }

    fn input(&self, at: usize, number: usize) -> Converted<&str> {
        let node = &self.graph.node[at];
        let missing = || unexpected(format!("{:?} takes too little", node.name));
        node.input.get(number).map(String::as_str).ok_or_else(missing)
    }

    fn output(&self, at: usize, number: usize) -> Converted<&str> {
        let node = &self.graph.node[at];
        let missing = || unexpected(format!("{:?} makes too little", node.name));
        node.output.get(number).map(String::as_str).ok_or_else(missing)
    }

    /// The other of two inputs.
    fn other_input(&self, at: usize, one: &str) -> Converted<usize> {
        let inputs = &self.graph.node[at].input;
        let other = inputs.iter().take(2).position(|input| input != one);
        other.ok_or_else(|| unexpected(format!("{:?} takes one thing twice", one)))
    }

    fn weight(&self, name: &str) -> Converted<Weight> {
        let missing = || unexpected(format!("{name} is no weight"));
        let tensor = &self.graph.initializer[*self.weights.get(name).ok_or_else(missing)?];
        let raw = tensor.raw_data.as_ref().map(|raw| raw.borrow());
        let bytes = raw.as_deref().map_or(&[][..], Vec::as_slice);
        let whole = || tensor.int32_data.iter().map(|value| *value as f32);
        let values: Vec<f32> = match tensor.data_type {
            Some(DataType::FLOAT) if bytes.is_empty() => tensor.float_data.clone(),
            Some(DataType::FLOAT) => {
                bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
            }
            Some(DataType::UINT8 | DataType::INT8) if bytes.is_empty() => whole().collect(),
            Some(DataType::UINT8) => bytes.iter().map(|byte| f32::from(*byte)).collect(),
            Some(DataType::INT8) => bytes.iter().map(|byte| f32::from(*byte as i8)).collect(),
            other => return Err(unexpected(format!("{name} has numbers of the kind {other:?}"))),
        };
        if values.len() as i64 != tensor.dims.iter().product::<i64>() {
            return Err(unexpected(format!("{name} is not whole")));
        }
        Ok(Weight { dims: tensor.dims.clone(), values })
    }

    /// Adds a weight, unless there is one of the name.
    fn add(&mut self, name: &str, weight: Weight) {
        if self.weights.contains_key(name) {
            return;
        }
        let bytes = weight.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.weights.insert(name.to_owned(), self.graph.initializer.len());
        self.graph.initializer.push(TensorProto {
            name: Some(name.to_owned()),
            dims: weight.dims,
            data_type: Some(DataType::FLOAT),
            raw_data: Some(RefCell::new(bytes)),
            ..TensorProto::default()
        });
    }

    /// Turns every operation on whole numbers into the one on floating-point numbers.
    fn multiply_out(&mut self) -> Converted<()> {
        self.add(ONE, Weight { dims: Vec::new(), values: vec![1.0] });
        for at in 0..self.graph.node.len() {
            match self.graph.node[at].op_type.as_deref() {
                Some("MatMulInteger") => self.multiply_out_product(at, "MatMul")?,
                Some("ConvInteger") => self.multiply_out_product(at, "Conv")?,
                Some("DynamicQuantizeLSTM") => self.multiply_out_memory(at)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// `scales × (whole numbers × weights [+ bias ÷ scales])` becomes `numbers × weights [+ bias]`.
    fn multiply_out_product(&mut self, at: usize, operation: &str) -> Converted<()> {
        let quantized = self.maker(self.input(at, 0)?)?;
        self.expect(quantized, "DynamicQuantizeLinear")?;
        let numbers = self.input(quantized, 0)?.to_owned();
        let scale = self.output(quantized, 1)?.to_owned();
        let weights = self.input(at, 1)?.to_owned();
        let output = self.output(at, 0)?.to_owned();
        let (bias, cast) = self.bias(&output)?;
        self.expect(cast, "Cast")?;
        let cast_output = self.output(cast, 0)?.to_owned();
        let times = self.taker(&cast_output, "Mul")?;
        let scales_at = self.other_input(times, &cast_output)?;
        let both_scales = self.maker(self.input(times, scales_at)?)?;
        self.expect(both_scales, "Mul")?;
        let own = self.other_input(both_scales, &scale)?;
        let own_scale = self.weight(self.input(both_scales, own)?)?;
        let zero = match self.graph.node[at].input.get(3) {
            Some(name) if !name.is_empty() => self.weight(name)?,
            _ => Weight { dims: Vec::new(), values: vec![0.0] },
        };
        let mut weight = self.weight(&weights)?;
        if operation == "Conv" && (own_scale.values.len() > 1 || zero.values.len() > 1) {
            return Err(unexpected(format!("{weights} is scaled by channel")));
        }
        // Of a matrix, a scale each column.
        let rank = weight.dims.len() as i64;
        for (number, value) in weight.values.iter_mut().enumerate() {
            let of = |each: &Weight| each.values[number % each.values.len()];
            *value = (*value - of(&zero)) * of(&own_scale);
        }
        let name = format!("{weights}_f32");
        self.add(&name, weight);
        if let Some(Bias { sum, input, weight: name }) = bias {
            let bias = self.weight(&name)?;
            let mut dims = vec![1, bias.values.len() as i64];
            dims.resize(rank.max(2) as usize, 1);
            let name = format!("{name}_bias_f32");
            self.add(&name, Weight { dims, values: bias.values });
            self.graph.node[sum].input[input] = name;
        }
        self.graph.node[times].input[scales_at] = ONE.to_owned();
        let node = &mut self.graph.node[at];
        node.op_type = Some(operation.to_owned());
        node.domain = None;
        node.input = vec![numbers, name];
        Ok(())
    }

    /// The bias that is added to an output, if one is, and what follows. It is made a whole number on the way:
    /// `Reshape(Cast(Floor(bias ÷ scale)))`.
    fn bias(&self, output: &str) -> Converted<(Option<Bias>, usize)> {
        let missing = || unexpected(format!("nothing takes {output}"));
        let next = *self.takers.get(output).and_then(|all| all.first()).ok_or_else(missing)?;
        if !self.is(next, "Add") {
            return Ok((None, next));
        }
        let bias_at = self.other_input(next, output)?;
        let mut maker = self.maker(self.input(next, bias_at)?)?;
        for operation in ["Reshape", "Cast", "Floor"] {
            self.expect(maker, operation)?;
            maker = self.maker(self.input(maker, 0)?)?;
        }
        self.expect(maker, "Div")?;
        let weight = self.input(maker, 0)?.to_owned();
        let bias = Bias { sum: next, input: bias_at, weight };
        let after = self.taker(self.output(next, 0)?, "Cast")?;
        Ok((Some(bias), after))
    }

    /// A long short-term memory: the scales are the directions', and its matrices lie on their side.
    fn multiply_out_memory(&mut self, at: usize) -> Converted<()> {
        let mut inputs = self.graph.node[at].input.clone();
        if inputs.len() != 12 {
            return Err(unexpected("a memory takes other things"));
        }
        for (matrix, scale, zero) in [(1, 8, 9), (2, 10, 11)] {
            let (scale, zero) = (self.weight(&inputs[scale])?, self.weight(&inputs[zero])?);
            let weight = self.weight(&inputs[matrix])?;
            let &[directions, rows, columns] = &weight.dims[..] else {
                return Err(unexpected("a memory has other matrices"));
            };
            let area = (rows * columns) as usize;
            let per_direction =
                |each: &Weight| each.values.len() == 1 || each.values.len() == directions as usize;
            if !per_direction(&scale) || !per_direction(&zero) {
                return Err(unexpected("a memory is scaled by column"));
            }
            let mut values = Vec::with_capacity(weight.values.len());
            for (direction, matrix) in weight.values.chunks(area).enumerate() {
                let of = |each: &Weight| each.values[direction % each.values.len()];
                let (scale, zero) = (of(&scale), of(&zero));
                for column in 0..columns as usize {
                    let down = matrix.iter().skip(column).step_by(columns as usize);
                    values.extend(down.map(|value| (value - zero) * scale));
                }
            }
            let name = format!("{}_f32", inputs[matrix]);
            self.add(&name, Weight { dims: vec![directions, columns, rows], values });
            inputs[matrix] = name;
        }
        inputs.truncate(8);
        while inputs.last().is_some_and(String::is_empty) {
            inputs.pop();
        }
        let node = &mut self.graph.node[at];
        node.op_type = Some("LSTM".to_owned());
        node.domain = None;
        node.input = inputs;
        Ok(())
    }

    /// ONNX Runtime's own product with a transposed matrix is one operation there, and two everywhere else.
    fn mend_matrix_product(&mut self) -> Converted<()> {
        let own = (0..self.graph.node.len()).filter(|at| self.is(*at, "FusedMatMul"));
        for at in own.collect::<Vec<_>>() {
            let node = &self.graph.node[at];
            let is_set = |name: &str| {
                let named =
                    |one: &&rten_onnx::onnx::AttributeProto| one.name.as_deref() == Some(name);
                node.attribute.iter().find(named).and_then(|one| one.i).unwrap_or(0) != 0
            };
            let alpha = node.attribute.iter().find_map(|one| one.f).unwrap_or(1.0);
            let is_plain = (alpha - 1.0).abs() < 1e-9
                && !["transB", "transBatchA", "transBatchB"].into_iter().any(is_set);
            if !is_plain || !is_set("transA") {
                return Err(unexpected("a fused product is of another form"));
            }
            let matrix = self.input(at, 0)?.to_owned();
            let turned = format!("{matrix}_turned");
            let mut turn = operation("Transpose", &[&matrix], &turned);
            turn.attribute.push(rten_onnx::onnx::AttributeProto {
                name: Some("perm".to_owned()),
                ints: vec![0, 2, 1],
                r#type: Some(rten_onnx::onnx::AttributeType::INTS),
                ..Default::default()
            });
            self.before.push((at, turn));
            let node = &mut self.graph.node[at];
            node.op_type = Some("MatMul".to_owned());
            (node.domain, node.attribute) = (None, Vec::new());
            node.input[0] = turned;
        }
        Ok(())
    }

    /// The phase of the spectrum is `atan(imaginary ÷ real)`, turned round where the real part is negative.
    fn mend_phase(&mut self) -> Converted<()> {
        let atan = (0..self.graph.node.len()).find(|at| self.is(*at, "Atan"));
        let atan = atan.ok_or_else(|| unexpected("it has no phase"))?;
        let quotient = self.maker(self.input(atan, 0)?)?;
        self.expect(quotient, "Div")?;

        // Where the source is silent both parts are nought, and the quotient is no number.
        let real = self.input(quotient, 1)?.to_owned();
        self.add("tiny", Weight { dims: Vec::new(), values: vec![1e-20] });
        self.before.push((quotient, operation("Add", &[&real, "tiny"], "real_not_nought")));
        let imaginary = self.input(quotient, 0)?.to_owned();
        self.graph.node[quotient].input[1] = "real_not_nought".to_owned();

        // An exact transform gives an imaginary part of +0 in the first bin, where ONNX Runtime happens to give
        // a little more: asked whether it is greater than 0, the phase would be turned to the other side, which
        // is heard as a click at the beginning and a rough voice.
        let by_name = |node: &NodeProto| node.name.as_deref() == Some(PHASE);
        let turn = self.graph.node.iter().position(by_name);
        let turn = turn.ok_or_else(|| unexpected("the phase is not turned"))?;
        let sign = self.maker(self.input(turn, 0)?)?;
        self.expect(sign, "Greater")?;
        self.graph.node[sign].op_type = Some("GreaterOrEqual".to_owned());

        // The first and the last bin of a real signal are real (both parts of their own conjugate): what else
        // stands there is an error of rounding.
        let mut mask = vec![1.0; BINS];
        (mask[0], mask[BINS - 1]) = (0.0, 0.0);
        self.add("inner_bins", Weight { dims: vec![1, BINS as i64, 1], values: mask });
        let takers = self.takers.get(&imaginary).cloned().unwrap_or_default();
        let first = takers.iter().copied().min().unwrap_or(quotient);
        for taker in takers {
            for input in &mut self.graph.node[taker].input {
                if *input == imaginary {
                    "imaginary_inside".clone_into(input);
                }
            }
        }
        let masked = operation("Mul", &[&imaginary, "inner_bins"], "imaginary_inside");
        self.before.push((first, masked));
        Ok(())
    }

    /// The network without what nothing needs any more.
    fn finish(self) -> GraphProto {
        let Self { mut graph, mut before, .. } = self;
        before.sort_by_key(|(at, _)| *at);
        let mut before = before.into_iter().peekable();
        let mut nodes = Vec::with_capacity(graph.node.len() + before.len());
        for (at, node) in std::mem::take(&mut graph.node).into_iter().enumerate() {
            while let Some((_, added)) = before.next_if(|(place, _)| *place == at) {
                nodes.push(added);
            }
            nodes.push(node);
        }
        // A node stands after those whose values it takes.
        let mut needed: HashSet<String> =
            graph.output.iter().filter_map(|output| output.name.clone()).collect();
        nodes.reverse();
        nodes.retain(|node| {
            let is_needed = node.output.iter().any(|output| needed.contains(output));
            if is_needed {
                needed.extend(node.input.iter().cloned());
            }
            is_needed
        });
        nodes.reverse();
        graph.node = nodes;
        let is_needed =
            |weight: &TensorProto| weight.name.as_ref().is_some_and(|name| needed.contains(name));
        graph.initializer.retain(is_needed);
        graph.value_info.clear();
        graph
    }
}

fn operation(kind: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        name: Some(format!("{output}_{kind}")),
        op_type: Some(kind.to_owned()),
        input: inputs.iter().map(|&input| input.to_owned()).collect(),
        output: vec![output.to_owned()],
        ..NodeProto::default()
    }
}
