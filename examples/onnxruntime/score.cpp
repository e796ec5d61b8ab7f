// Scores events by a model that `fivesigma export` wrote, through the C++ interface of ONNX Runtime.
//
//     score model.onnx < numbers.txt > scores.txt
//
// A line of numbers.txt is an event: the numbers of the model's inputs, in the order in which the program names them on standard
// error. `nan` is a missing value. A line of scores.txt has the outputs of that event: a score, a probability for each class, or
// the prediction of a regression.
#include <onnxruntime_cxx_api.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

// One input of the model: its name, how many numbers of an event it takes, and the numbers of the events that wait.
struct Input {
  std::string name;
  ONNXTensorElementDataType type;
  std::int64_t width;
  std::vector<float> singles;   // if its type is float
  std::vector<double> doubles;  // if its type is double

  bool is_double() const { return type == ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE; }

  void add(double number) {
    if (is_double()) {
      doubles.push_back(number);
    } else {
      singles.push_back(static_cast<float>(number));
    }
  }

  // The events that wait, as the model takes them. The tensor points to them and copies nothing.
  Ort::Value tensor(std::int64_t events) {
    static const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    const std::int64_t shape[] = {events, width};
    if (is_double()) return Ort::Value::CreateTensor<double>(memory, doubles.data(), doubles.size(), shape, 2);
    return Ort::Value::CreateTensor<float>(memory, singles.data(), singles.size(), shape, 2);
  }

  void clear() {
    singles.clear();
    doubles.clear();
  }
};

// A model and the events that wait for it. Threads share no `Model`, as its inputs are filled and emptied.
class Model {
 public:
  explicit Model(const char* path)
      : environment_(ORT_LOGGING_LEVEL_WARNING, "fivesigma"), session_(environment_, path, options()) {
    Ort::AllocatorWithDefaultOptions allocator;
    for (std::size_t i = 0; i < session_.GetInputCount(); ++i) {
      const auto type = session_.GetInputTypeInfo(i);
      const auto tensor = type.GetTensorTypeAndShapeInfo();
      const std::string name = session_.GetInputNameAllocated(i, allocator).get();
      inputs.push_back({name, tensor.GetElementType(), tensor.GetShape().at(1), {}, {}});
    }
    output_ = session_.GetOutputNameAllocated(0, allocator).get();
  }

  // What fivesigma wrote into the file, such as "analysis", "classes" or "working_points"; empty if there is nothing of that name.
  std::string metadata(const char* name) {
    Ort::AllocatorWithDefaultOptions allocator;
    const auto found = session_.GetModelMetadata().LookupCustomMetadataMapAllocated(name, allocator);
    return found ? found.get() : "";
  }

  // Writes the outputs of the events that wait in the inputs, a line each, and empties the inputs.
  void score(std::int64_t events, std::ostream& out) {
    std::vector<const char*> names;
    std::vector<Ort::Value> tensors;
    for (auto& input : inputs) {
      names.push_back(input.name.c_str());
      tensors.push_back(input.tensor(events));
    }
    const char* output = output_.c_str();
    const auto results = session_.Run(Ort::RunOptions{nullptr}, names.data(), tensors.data(), tensors.size(), &output, 1);
    const float* values = results[0].GetTensorData<float>();
    const auto width = results[0].GetTensorTypeAndShapeInfo().GetShape().at(1);
    for (std::int64_t event = 0; event < events; ++event) {
      for (std::int64_t i = 0; i < width; ++i) out << (i ? " " : "") << values[event * width + i];
      out << "\n";
    }
    for (auto& input : inputs) input.clear();
  }

  std::vector<Input> inputs;

 private:
  static Ort::SessionOptions options() {
    Ort::SessionOptions found;
    found.SetIntraOpNumThreads(1);  // event loops have threads of their own
    return found;
  }

  Ort::Env environment_;
  Ort::Session session_;
  std::string output_;
};

int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "usage: score model.onnx < numbers.txt\n";
    return 2;
  }
  try {
    Model model(arguments[1]);
    std::cerr << model.metadata("analysis") << ", numbers of an event:";
    for (const auto& input : model.inputs) std::cerr << " " << input.name << " (" << input.width << ")";
    std::cerr << "\n";
    std::cout.precision(9);  // enough to give every float back
    const std::int64_t batch = 1024;
    std::int64_t events = 0, line_number = 0;
    for (std::string line; std::getline(std::cin, line);) {
      ++line_number;
      std::istringstream words(line);
      std::string word;
      for (auto& input : model.inputs) {
        for (std::int64_t i = 0; i < input.width; ++i) {
          if (!(words >> word)) throw std::runtime_error("line " + std::to_string(line_number) + ": too few numbers");
          char* end = nullptr;
          const double number = std::strtod(word.c_str(), &end);  // unlike >>, it knows nan and inf
          if (*end) throw std::runtime_error("line " + std::to_string(line_number) + ": not a number: " + word);
          input.add(number);
        }
      }
      if (words >> word) throw std::runtime_error("line " + std::to_string(line_number) + ": too many numbers");
      if (++events == batch) {
        model.score(events, std::cout);
        events = 0;
      }
    }
    if (events) model.score(events, std::cout);
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return 2;
  }
}
